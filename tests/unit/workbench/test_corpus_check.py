import io
import shutil
from pathlib import Path

import pytest
from rich.console import Console
from support import tickets
from support.labels import ROOT
from support.tiny import change

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.workbench import corpus_check
from emotion_slm.workbench.corpus_check import MOST_ROWS, check, profile_of, screen
from emotion_slm.workbench.corpus_new import create


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    shutil.copytree(ROOT / "corpora", tmp_path / "corpora")
    return tmp_path


def described(root: Path, made: list[dict]) -> None:
    tickets.write_lists(root / "mine.jsonl", made)
    create([root / "mine.jsonl"])


def edited(root: Path, old: str, new: str) -> None:
    path = root / "corpora/mine.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def shown(checked) -> str:
    console = Console(file=io.StringIO(), width=80)
    console.print(screen(checked))
    return console.file.getvalue()


def test_a_sound_corpus_has_nothing_to_repair(root):
    described(root, tickets.rows(1200))
    found = check("mine")
    assert (found.errors, found.warnings) == (0, 0)
    assert sum(found.facts.sizes.values()) == found.facts.rows == 1200
    text = shown(found)
    assert "nothing to repair" in text and "tokens" in text
    assert all(label in text for label in tickets.LABELS)


def test_the_sample_corpus_can_be_trained(root):
    found = check("sample")
    assert found.errors == 0 and len(found.facts.names) == 28


def test_its_own_profile_is_asked_for_the_encoder(root):
    described(root, tickets.rows(60))
    assert profile_of("mine").profile == "mine"
    assert profile_of("goemotions").profile == "minilm"
    change(root, profiles__mine__encoder__max_length=20)
    found = check("mine")
    long = [problem for problem in found.problems if "max_length" in problem.remedy]
    assert long and all(problem.place.startswith("mine.jsonl:") for problem in long)


def test_without_a_tokenizer_words_are_counted(root, monkeypatch):
    monkeypatch.setattr(corpus_check, "at_hand", lambda encoder: None)
    described(root, tickets.rows(60))
    assert [length.unit for length in check("mine").facts.lengths] == ["characters", "words"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ich warte auf die Rückzahlung und sie ist nicht da", "look like German"),
        ("где мой заказ, я жду", "cyrillic"),
    ],
)
def test_texts_that_the_encoder_does_not_know_are_said(root, text, words):
    described(root, [{**t, "body": f"{text} {n}"} for n, t in enumerate(tickets.rows(60))])
    (problem,) = [problem for problem in check("mine").problems if "English" in problem.remedy]
    assert words in problem.reason and problem.level == "warning"


def test_a_table_of_hundreds_of_labels_is_cut(root):
    described(root, tickets.of_labels(1200, 200))
    found = check("mine")
    assert found.errors == 0
    text = shown(found)
    assert sum("│ label " in line for line in text.splitlines()) == MOST_ROWS
    assert f"… {200 - MOST_ROWS} more" in text


def test_keys_that_name_labels_there_are_not_are_errors(root):
    described(root, tickets.rows(60))
    names = f"names: [{', '.join(tickets.LABELS)}]\n"
    edited(root, names, "targets: [angst]\n")
    found = check("mine")
    assert found.facts is None
    assert ["angst" in p.reason for p in found.problems if p.level == "error"] == [True]
    assert "would stop" in shown(found)


def test_given_splits_are_spoken_of(root):
    made = tickets.rows(90)
    (root / "three").mkdir()
    for place, name in enumerate(("train", "validation", "test")):
        tickets.write_lists(root / f"three/{name}.jsonl", made[place * 30 : place * 30 + 30])
    create([root / "three"])
    assert "official" in check("three").how_split
    change(root, split__protocol="official")
    found = check("three")
    assert found.facts.sizes["test"] == 30 and "as the files give it" in found.how_split


def test_files_that_are_pooled_though_one_is_a_test_are_spoken_of(root):
    made = tickets.rows(90)
    described(root, made[:60])
    tickets.write_lists(root / "corpora/mine/test.jsonl", made[60:])
    description = root / "corpora/mine.yaml"
    content = description.read_text()
    assert "files: mine.jsonl" in content
    given = "files: {train: mine.jsonl, test: test.jsonl}"
    description.write_text(content.replace("files: mine.jsonl", given))
    (problem,) = [one for one in check("mine").problems if "no file for" in one.reason]
    assert "no file for validation, so the rows of train and test are split anew" in problem.reason
    assert problem.level == "warning"


def test_texts_that_given_splits_share_are_said_before_they_are_chosen(root):
    made = tickets.rows(90)
    (root / "three").mkdir()
    for place, name in enumerate(("train", "validation", "test")):
        rows = [made[0], *made[place * 30 + 1 : place * 30 + 30]]
        tickets.write_lists(root / f"three/{name}.jsonl", [{**t, "ticket_id": ""} for t in rows])
    create([root / "three"])
    found = check("three")
    reasons = [p.reason for p in found.problems if "split.protocol: official" in p.reason]
    assert sum("rows of train have the text of a row of a later split" in r for r in reasons) == 1
    assert found.errors == 0


def test_columns_with_brackets_are_shown_as_they_are(root):
    described(root, tickets.rows(60))
    content = (root / "corpora/mine/mine.jsonl").read_text()
    odd = content.replace('"conversation"', '"thread [/x]"')
    (root / "corpora/mine/mine.jsonl").write_text(odd)
    edited(root, "group: conversation", 'group: "thread [/x]"')
    assert "thread [/x] together" in " ".join(shown(check("mine")).split())


def test_a_corpus_that_is_not_there_is_named(root):
    with pytest.raises(EmotionSlmError, match="did you mean 'goemotions'"):
        check("goemotion")
    described(root, tickets.rows(60))
    (root / "corpora/mine/mine.jsonl").unlink()
    with pytest.raises(EmotionSlmError, match=r"mine\.jsonl"):
        check("mine")
