"""What stage ismote shows of its rows, and that validation has no say in the rows themselves."""

import shutil

import numpy as np
import pandas as pd
import pytest
from support.labels import LABELS, SAMPLE
from support.tiny import change

from emotion_slm.balance.grow import grow
from emotion_slm.balance.purity import COLUMNS
from emotion_slm.common import files, paths
from emotion_slm.common.params import Document, write_run
from emotion_slm.corpus.labels import write_corpus
from stages import ismote

SIZES = {"admiration": 160, "joy": 40, "fear": 25, "grief": 15, "relief": 4, "neutral": 30}
PICTURE = paths.PLOTS / "ismote_scatter.png"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Function: (seed of validation, params to change) → what stage ismote left in metrics/.

    It runs in a workspace of its own. The validation seed changes which vectors and labels
    validation has; train's stay as they are.
    """
    shutil.copy("params.yaml", tmp_path)
    target = dict.fromkeys(("joy", "fear", "grief", "relief"), 90)
    change(tmp_path, profile="sample", threads=1, profiles__sample__ismote__target=target)
    monkeypatch.chdir(tmp_path)

    def stage(validation_seed: int = 0, **changes) -> dict:
        change(tmp_path, **changes)
        write_run(Document.read().settings)
        write_inputs(validation_seed)
        ismote.main()
        return files.read_json(paths.METRICS / "balance.json")

    return stage


def write_inputs(validation_seed: int) -> None:
    centres = 3 * np.random.default_rng(0).normal(size=(len(LABELS), 8))
    frames, vectors = [], []
    for split, seed in (("train", 1), ("validation", validation_seed + 10), ("test", 2)):
        random = np.random.default_rng(seed)
        names = random.permutation(np.repeat(list(SIZES), list(SIZES.values())))
        places = [LABELS.index(name) for name in names]
        vectors.append(centres[places] + random.normal(size=(len(names), 8)))
        frames.append(
            pd.DataFrame(
                {
                    "id": [f"{split}{row}" for row in range(len(names))],
                    "text": [f"{split} text {row}" for row in range(len(names))],
                    "labels": [[name] for name in names],
                    "official_split": split,
                    "duplicate_group": np.arange(len(names)) + 1000 * len(frames),
                }
            )
        )
        files.write_parquet(paths.SPLIT / f"{split}.parquet", frames[-1])
    write_corpus(paths.RAW, SAMPLE)
    files.write_parquet(paths.UNDERSAMPLED / "train.parquet", frames[0])
    ids = pd.concat(frames)["id"].tolist()
    index = pd.DataFrame({"id": ids, "row": np.arange(len(ids))})
    files.write_parquet(paths.EMBEDDED / "index.parquet", index)
    files.write_array(paths.EMBEDDED / "vectors.npy", np.concatenate(vectors).astype(np.float32))


def balanced_bytes() -> list[bytes]:
    return [path.read_bytes() for path in sorted(paths.BALANCED.iterdir())]


def purity() -> dict[str, dict[str, float]]:
    """Label → kind → purity, of the kinds it has."""
    return {
        row["label"]: {
            kind: float(row[kind]) for kind in ("chance", "real", "smote", "ismote") if row[kind]
        }
        for row in files.read_csv(paths.PLOTS / "purity.csv", COLUMNS)
    }


def test_the_balanced_rows_are_the_same_whatever_validation_holds(run):
    first = run(validation_seed=1)
    rows, shares = balanced_bytes(), purity()
    second = run(validation_seed=2)
    assert balanced_bytes() == rows
    assert purity() != shares
    assert first.pop("purity") != second.pop("purity")
    assert first == second


def test_two_runs_give_the_same_files(run):
    metrics = run()
    picture, shares = PICTURE.read_bytes(), purity()
    assert run() == metrics
    assert PICTURE.read_bytes() == picture and purity() == shares


def test_separable_labels_are_pure(run):
    content = run()
    shares = purity()
    assert set(shares) == {"joy", "fear", "grief", "relief"}
    for label in shares.values():
        assert label["chance"] < 0.2
        assert min(label[method] for method in ("real", "smote", "ismote")) > 0.5
    assert content["purity"] == pytest.approx(
        np.mean([label["ismote"] for label in shares.values()]), abs=1e-6
    )
    assert content["purity"] > 0.8


@pytest.mark.parametrize("expansion", ["none", "copy"])
def test_ismote_is_compared_with_smote_whatever_the_profile_grows_with(run, expansion):
    asked = run()["purity"]
    assert run(profiles__sample__ismote__expansion=expansion)["purity"] == asked
    t = pd.read_parquet(paths.BALANCED / "rows.parquet")["t"].dropna()
    assert t.between(0, 1).all()  # and the rows kept are those asked for


def test_a_profile_without_oversampling_shows_its_real_rows(run):
    assert "purity" not in run(profiles__sample__ismote="none")
    shares = purity()
    assert set(shares) == set(SIZES)
    assert all(set(row) == {"real", "chance"} for row in shares.values())
    assert PICTURE.exists()


def test_a_leak_leaves_no_metrics_behind(run, monkeypatch):
    def from_test(*arguments):
        balanced, rows, summary = grow(*arguments)
        rows.loc[rows.index[-1], "seed_id"] = "test0"
        return balanced, rows, summary

    monkeypatch.setattr(ismote, "grow", from_test)
    with pytest.raises(SystemExit):
        run()
    assert [path.name for path in paths.METRICS.rglob("*.*")] == ["params.yaml"]
