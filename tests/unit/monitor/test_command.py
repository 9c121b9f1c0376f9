"""`emotion-slm monitor` from files to page, with a small packaged model."""

import csv
import json
import re
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from support.labels import SAMPLE
from support.packages import create_package, validation_scores
from support.single import CORPUS
from typer.testing import CliRunner

from emotion_slm.cli.app import app
from emotion_slm.common.files import read_json, write_json
from emotion_slm.monitor.labelled import _names
from emotion_slm.monitor.periods import Every
from emotion_slm.monitor.sentences import rise_or_fall

LABELS = SAMPLE.labels.names
ANGER = SAMPLE.labels.index["anger"]
HOSTILE = "<script>alert(1)</script> & </svg>"
START = datetime(2025, 10, 6)
GAP = 5  # a week without texts


def rows(weeks: int = 16, size: int = 300) -> list[dict]:
    """Scores as validation's, but in the last two weeks three times as many with anger."""
    rng = np.random.default_rng(1)
    found = []
    for week in range(weeks):
        if week == GAP:
            continue
        scores = rng.beta(0.3, 2, size=(size, len(LABELS)))
        if week >= weeks - 2:
            scores[: size // 3, ANGER] = rng.beta(4, 2, size // 3)
        for place, values in enumerate(scores):
            sent = START + timedelta(weeks=week, hours=float(rng.uniform(0, 168)))
            found.append(
                {"at": sent.isoformat(), "text": f"{HOSTILE} {place % 9}", "shop": HOSTILE,
                 **dict(zip(LABELS, np.round(values, 4).tolist(), strict=True))}
            )  # fmt: skip
    rng.shuffle(found)
    return found


@pytest.fixture(scope="module")
def scored(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("scored") / "tickets.csv"
    content = rows()
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, content[0])
        writer.writeheader()
        writer.writerows(content)
    return path


def run(*arguments: object):
    return CliRunner().invoke(app, ["monitor", *map(str, arguments)])


@pytest.fixture(scope="module")
def result(scored, packaged, tmp_path_factory):
    """What one run printed, and its folder."""
    folder = tmp_path_factory.mktemp("monitor")
    arguments = (scored, "--time", "at", "--by", "shop", "--model", packaged, "-o", folder)
    return run(*arguments, "--fail-on-alert"), folder


def test_a_rise_is_told_in_a_sentence_and_by_the_exit_status(result):
    outcome, folder = result
    assert outcome.exit_code == 4, outcome.output
    (alert, *_) = read_json(folder / "alerts.json")["alerts"]
    assert (alert["label"], alert["first"], alert["last"]) == ("anger", "2026-W03", "2026-W04")
    assert alert["lasting"] and alert["direction"] == "rose"
    assert re.fullmatch(
        r"anger in .* rose from [\d.]+ % \[[\d.]+, [\d.]+\] to [\d.]+ % \[[\d.]+, [\d.]+\] in the "
        r"week of 12 January 2026 and stayed so since \(2 weeks\)\.",
        alert["sentence"],
    )
    assert alert["sentence"] in outcome.stdout


def test_shares_are_a_table_with_gaps_as_gaps(result):
    with (result[1] / "shares.csv").open() as stream:
        table = list(csv.DictReader(stream))
    assert list(table[0]) == ["period", "group", "label", "texts", "counted", "mean", "corrected",
                              "low", "high"]  # fmt: skip
    periods = sorted({row["period"] for row in table})
    assert len(periods) == 15 and "2025-W46" not in periods
    assert periods[0] == "2025-W41" and periods[-1] == "2026-W04"
    assert len(table) == 15 * len(LABELS)
    for row in table:
        low, corrected, high = (float(row[name]) for name in ("low", "corrected", "high"))
        assert 0 <= low <= corrected <= high <= 1


def test_the_page_runs_nothing_asks_nothing_and_escapes_all(result):
    page = (result[1] / "monitor.html").read_text()
    assert "<script" not in page and HOSTILE not in page and "&lt;script&gt;" in page
    assert "http:" not in page and "https:" not in page and "url(" not in page
    assert "default-src 'none'; style-src 'unsafe-inline'" in page
    assert page.count("<svg ") == page.count("</svg>") == len(LABELS)
    drawn = page.split("<figcaption>anger")[1].split("</figure>")[0]
    assert drawn.count('class="band"') == 2  # before the gap and after it
    assert drawn.count('class="alert"') == 2


def test_texts_can_be_left_out(scored, packaged, tmp_path):
    outcome = run(scored, "--time", "at", "--model", packaged, "-o", tmp_path, "--no-texts",
                  "--labels", "anger,joy")  # fmt: skip
    assert outcome.exit_code == 0, outcome.output
    page = (tmp_path / "monitor.html").read_text()
    assert "alert(1)" not in page and "blockquote>" not in page
    assert page.count("<svg ") == 2


def test_the_same_run_gives_the_same_files(result, scored, packaged, tmp_path):
    arguments = (scored, "--time", "at", "--by", "shop", "--model", packaged, "-o", tmp_path)
    run(*arguments)
    for name in ("shares.csv", "alerts.json", "monitor.html"):
        assert (tmp_path / name).read_bytes() == (result[1] / name).read_bytes()


def test_an_older_package_has_counts_and_means_and_says_why(scored, packaged, tmp_path):
    import shutil

    old = Path(shutil.copytree(packaged, tmp_path / "old"))
    (old / "scores.json").unlink()
    config = read_json(old / "config.json")
    del config["files"]["scores.json"]
    write_json(old / "config.json", config | {"format_version": 3})
    outcome = run(scored, "--time", "at", "--model", old, "-o", tmp_path / "out")
    assert outcome.exit_code == 0, outcome.output
    assert "anger rose from" in outcome.stdout
    assert (
        "No corrected shares: the model's package is of an older format"
        in (tmp_path / "out" / "monitor.html").read_text()
    )
    with (tmp_path / "out" / "shares.csv").open() as stream:
        assert {row["corrected"] for row in csv.DictReader(stream)} == {""}


def test_a_labelled_sample_gives_powered_shares(scored, packaged, tmp_path):
    with scored.open() as stream:
        sample = [row for row in csv.DictReader(stream) if row["at"] >= "2026-01-12"][:120]
    for place, row in enumerate(sample):
        row["human"] = "anger, joy" if place % 4 == 0 else ""
    path = tmp_path / "sample.csv"
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, sample[0])
        writer.writeheader()
        writer.writerows(sample)
    outcome = run(scored, "--time", "at", "--model", packaged, "-o", tmp_path, "--labelled", path)
    assert outcome.exit_code == 0, outcome.output
    with (tmp_path / "labelled.csv").open() as stream:
        found = {row["label"]: row for row in csv.DictReader(stream)}
    assert found["anger"]["labelled"] == "120" and float(found["anger"]["human"]) == 0.25
    assert float(found["grief"]["human"]) == 0
    assert 0.1 < float(found["anger"]["low"]) < 0.25 < float(found["anger"]["high"]) < 0.4
    assert "With human labels" in (tmp_path / "monitor.html").read_text()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda rows: rows[:20], "20 labelled texts; label at least 50"),
        (lambda rows: [row | {"at": "never"} for row in rows], "row 1: at: 'never' is no time"),
        (lambda rows: [row | {"at": "2020-01-01"} for row in rows], "of no period"),
        (lambda rows: [*rows[:-1], rows[-1] | {"human": "angr"}], "row 60: column 'human' holds"),
        (lambda rows: [row | {"human": "angr"} for row in rows], "did you mean 'anger'"),
        (lambda rows: [{"humans": "", **row} for row in rows], "no column 'human'"),
    ],
)
def test_a_wrong_labelled_sample_is_told(scored, packaged, tmp_path, change, reason):
    with scored.open() as stream:
        sample = list(csv.DictReader(stream))[:60]
    if "humans" not in reason and "no column" not in reason:
        sample = [row | {"human": "anger"} for row in sample]
    sample = change(sample)
    path = tmp_path / "sample.csv"
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, sample[0])
        writer.writeheader()
        writer.writerows(sample)
    outcome = run(scored, "--time", "at", "--model", packaged, "-o", tmp_path, "--labelled", path)
    assert outcome.exit_code == 1
    assert reason in " ".join(outcome.stderr.split())


@pytest.fixture(scope="module")
def single(tmp_path_factory, tiny_bert, encoder_params) -> Path:
    """A package of a model that gives exactly one label."""
    root = tmp_path_factory.mktemp("single")
    return create_package(root, encoder_params(tiny_bert), corpus=CORPUS)


@pytest.fixture(scope="module")
def one_label(tmp_path_factory) -> Path:
    """Scores as validation's, but in the last of ten weeks half the texts are of `question`."""
    rng, names = np.random.default_rng(2), CORPUS.labels.names
    lines = []
    for week in range(10):
        scores = rng.dirichlet(np.full(3, 0.5), size=300)
        if week == 9:
            scores[:150] = rng.dirichlet([0.3, 0.3, 3], size=150)
        at = (START + timedelta(weeks=week)).isoformat()
        lines += [{"at": at, "text": f"text {place % 7}", "human": names[int(values.argmax())],
                   **dict(zip(names, values.tolist(), strict=True))}
                  for place, values in enumerate(scores)]  # fmt: skip
    path = tmp_path_factory.mktemp("one") / "tickets.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def table(folder: Path) -> dict[tuple[str, str], dict]:
    with (folder / "shares.csv").open() as stream:
        return {(row["period"], row["label"]): row for row in csv.DictReader(stream)}


def test_a_model_of_one_label_is_watched_jointly(one_label, single, tmp_path):
    outcome = run(one_label, "--time", "at", "--model", single, "-o", tmp_path)
    assert outcome.exit_code == 0, outcome.output
    assert "question rose from" in outcome.stdout and "billing fell from" in outcome.stdout
    found = table(tmp_path)
    for period in {period for period, _ in found}:
        rows = [found[period, label] for label in CORPUS.labels.names]
        for name in ("counted", "mean", "corrected"):
            assert sum(float(row[name]) for row in rows) == pytest.approx(1, abs=1e-4)
    page = (tmp_path / "monitor.html").read_text()
    assert "texts whose most probable label it is" in page


def test_some_labels_and_groups_of_a_model_of_one_label_are_watched(one_label, single, tmp_path):
    for labels in ("question,billing", "tone", "all"):
        outcome = run(one_label, "--time", "at", "--model", single, "-o", tmp_path / labels,
                      "--labels", labels, "--labelled", one_label)  # fmt: skip
        assert outcome.exit_code == 0, outcome.output
    every, some, groups = (table(tmp_path / name) for name in ("all", "question,billing", "tone"))
    last = "2025-W50"
    assert some[last, "question"]["corrected"] == every[last, "question"]["corrected"]
    assert {label for _, label in groups} == {"work", "praise"}
    for name in ("counted", "mean", "corrected"):
        together = sum(float(every[last, label][name]) for label in ("billing", "question"))
        assert float(groups[last, "work"][name]) == pytest.approx(together, abs=1e-4)
    with (tmp_path / "tone" / "labelled.csv").open() as stream:
        (work, praise) = csv.DictReader(stream)
    assert float(work["human"]) + float(praise["human"]) == pytest.approx(1)


def test_people_give_one_label_where_the_model_does(one_label, single, tmp_path):
    path = tmp_path / "sample.jsonl"
    path.write_text(one_label.read_text().replace('"human": "billing"', '"human": ""', 1))
    outcome = run(one_label, "--time", "at", "--model", single, "-o", tmp_path / "m",
                  "--labelled", path)  # fmt: skip
    assert outcome.exit_code == 1
    assert "holds 0 labels; a text has exactly one" in " ".join(outcome.stderr.split())


def test_groups_of_labels_are_watched_by_counts_and_means(scored, packaged, tmp_path):
    outcome = run(scored, "--time", "at", "--model", packaged, "-o", tmp_path,
                  "--labels", "sentiment")  # fmt: skip
    assert outcome.exit_code == 0, outcome.output
    assert "negative rose from" in outcome.stdout
    found = table(tmp_path)
    assert {row["corrected"] for row in found.values()} == {""}
    assert {"negative", "positive"} <= {label for _, label in found}
    page = (tmp_path / "monitor.html").read_text()
    assert "No corrected shares of groups" in page and "older format" not in page
    (alert, *_) = read_json(tmp_path / "alerts.json")["alerts"]
    assert alert["words_of_texts"] > 0


def test_files_without_probabilities_are_scored_first(packaged, tmp_path):
    path = tmp_path / "raw.jsonl"
    lines = [{"at": 1_767_225_600 + 3600 * hour, "text": f"thanks {hour}"} for hour in range(60)]
    lines.append({"at": None, "text": "lost"})
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    arguments = (path, "--time", "at", "--every", "day", "--model", packaged, "-o", tmp_path / "m")
    outcome = run(*arguments)
    assert outcome.exit_code == 0, outcome.output
    assert "No alerts. No period could be compared" in outcome.stdout
    assert "No period could be compared" in (tmp_path / "m" / "monitor.html").read_text()
    assert "1 rows left out, such as row 61" in outcome.stderr
    assert (tmp_path / "m" / "scored" / "raw.jsonl.scored.jsonl").exists()
    assert len((tmp_path / "m" / "unread.jsonl").read_text().splitlines()) == 1
    assert read_json(tmp_path / "m" / "alerts.json")["rows_left_out"] == 1


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--every", "fortnight"), "--every fortnight: unknown"),
        (("--reference", "1"), "--reference 1: give a number"),
        (("--labels", "angr"), "--labels angr: unknown to this model"),
        (("--zone", "Atlantis"), "--zone Atlantis: unknown"),
        (("--by", "shops"), "no column 'shops'; did you mean 'shop'?; name it with --by"),
        (("--reference", "2020-01-01..2020-12-31"), "only 0 periods with texts begin then"),
        (("--labelled", "missing.csv"), "missing.csv: no such file or folder"),
    ],
)
def test_wrong_options_are_told(scored, packaged, tmp_path, arguments, reason):
    outcome = run(scored, "--time", "at", "--model", packaged, "-o", tmp_path, *arguments)
    assert outcome.exit_code == 1
    assert reason in " ".join(outcome.stderr.split())


def test_embeddings_are_compared_where_asked_for(result, scored, packaged, tmp_path):
    outcome = run(scored, "--time", "at", "--model", packaged, "-o", tmp_path,
                  "--labels", "joy", "--embeddings", "10")  # fmt: skip
    assert outcome.exit_code == 0, outcome.output
    for folder, compared in ((tmp_path, True), (result[1], False)):
        page = " ".join((folder / "monitor.html").read_text().split())
        assert ("language, embeddings and words" in page) is compared


def test_files_of_one_name_are_scored_apart_and_rejected_rows_are_listed(packaged, tmp_path):
    for folder, text in (("a", "one"), ("b", None)):
        path = tmp_path / folder / "x.jsonl"
        path.parent.mkdir()
        lines = [{"at": "2026-03-02", "text": f"{folder} {row}"} for row in range(3)]
        lines[1]["text"] = text
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    paths = [tmp_path / folder / "x.jsonl" for folder in "ab"]
    outcome = run(*paths, "--time", "at", "--model", packaged, "-o", tmp_path / "m")
    assert outcome.exit_code == 0, outcome.output
    scored = [
        [json.loads(line)["text"] for line in path.read_text().splitlines()]
        for path in sorted((tmp_path / "m" / "scored").glob("*.scored.jsonl"))
    ]
    assert sorted(scored) == [["a 0", "one", "a 2"], ["b 0", "b 2"]]
    (left,) = map(json.loads, (tmp_path / "m" / "unread.jsonl").read_text().splitlines())
    assert (left["file"], left["row"]) == (str(paths[1]), 2) and "not a string" in left["reason"]


def test_a_file_in_the_place_of_the_folder_is_told_first(scored, packaged, tmp_path):
    (tmp_path / "file").write_text("")
    outcome = run(scored, "--time", "at", "--model", packaged, "-o", tmp_path / "file")
    assert outcome.exit_code == 1
    assert "is a file; name a folder with -o" in " ".join(outcome.stderr.split())


def test_a_sentence_holds_nothing_that_a_terminal_obeys():
    share = (0.1, 0.05, 0.15)
    said = rise_or_fall(
        "anger", "shop\x1b[2J\n", share, share, True, (START, START), 1, Every.WEEK, True
    )
    assert said.isprintable() and "in shop [2J  rose" in said


def test_labels_with_blanks_are_named_in_cells():
    assert _names("late delivery, anger", ["late delivery", "anger"]) == ["late delivery", "anger"]
    assert _names("joy anger;fear", ["joy", "anger", "fear"]) == ["joy", "anger", "fear"]


def test_made_up_validation_scores_are_plausible():
    """What the other tests rest on: a label's rows score higher."""
    found = validation_scores(3)
    places = np.arange(found.positives.shape[1])
    assert ((found.positives @ places) / found.positives.sum(axis=1)
            > (found.negatives @ places) / found.negatives.sum(axis=1)).all()  # fmt: skip
