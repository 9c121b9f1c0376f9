"""What stage ismote shows of its rows, and that validation has no say in the rows themselves."""

import runpy
import shutil

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread
from support.tiny import change

from emotion_slm.common import files, paths
from emotion_slm.corpus.labels import LABELS
from emotion_slm.plots import balance as evidence
from emotion_slm.plots import balance as pictures

SIZES = {"admiration": 160, "joy": 40, "fear": 25, "grief": 15, "relief": 4, "neutral": 30}
PNGS = ("ismote_scatter.png", "ismote_counts.png")


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Function: (seed of validation, params to change) → what stage ismote left in metrics/.

    It runs in a workspace of its own. The validation seed changes which vectors and labels
    validation has; train's stay as they are.
    """
    main = runpy.run_path("stages/ismote.py")["main"]
    shutil.copy("params.yaml", tmp_path)
    target = dict.fromkeys(("joy", "fear", "grief", "relief"), 90)
    change(tmp_path, profile="sample", threads=1, profiles__sample__ismote__target=target)
    monkeypatch.chdir(tmp_path)

    def stage(validation_seed: int = 0, **changes) -> dict:
        change(tmp_path, **changes)
        write_inputs(validation_seed)
        main()
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
    files.write_parquet(paths.UNDERSAMPLED / "train.parquet", frames[0])
    ids = pd.concat(frames)["id"].tolist()
    index = pd.DataFrame({"id": ids, "row": np.arange(len(ids))})
    files.write_parquet(paths.EMBEDDED / "index.parquet", index)
    files.write_array(paths.EMBEDDED / "vectors.npy", np.concatenate(vectors).astype(np.float32))


def balanced_bytes() -> list[bytes]:
    return [path.read_bytes() for path in sorted(paths.BALANCED.iterdir())]


def test_the_balanced_rows_are_the_same_whatever_validation_holds(run):
    first = run(validation_seed=1)
    rows = balanced_bytes()
    second = run(validation_seed=2)
    assert balanced_bytes() == rows
    assert first["neighbour_purity"] != second["neighbour_purity"]
    del first["neighbour_purity"], second["neighbour_purity"]
    assert first == second


def test_two_runs_give_the_same_files(run):
    metrics = run()
    pngs = [(paths.PLOTS / name).read_bytes() for name in PNGS]
    assert run() == metrics
    assert [(paths.PLOTS / name).read_bytes() for name in PNGS] == pngs


def test_separable_labels_are_pure(run):
    purity = run()["neighbour_purity"]
    assert set(purity["per_label"]) == {"joy", "fear", "grief", "relief"}
    assert purity["per_label"]["fear"]["validation_rows"] == 25
    assert purity["macro"]["chance"] < 0.1
    assert min(purity["macro"][kind] for kind in ("real", "smote", "ismote")) > 0.8


def test_the_rarest_labels_with_rows_enough_are_drawn(run, monkeypatch):
    seen = {}
    monkeypatch.setattr(
        pictures, "scatter", lambda clouds, purity, path, note: seen.update(clouds, note=note)
    )
    run()
    assert seen.pop("note") == evidence.SAMPLE_CAPTION
    assert list(seen) == ["grief", "fear", "joy"]  # relief has 4 rows
    assert [len(kinds["validation"]) for kinds in seen.values()] == [15, 25, 40]


@pytest.mark.parametrize("expansion", ["none", "copy"])
def test_ismote_is_compared_with_smote_whatever_the_profile_grows_with(run, expansion):
    asked = run()["neighbour_purity"]
    changed = run(profiles__sample__ismote__expansion=expansion)
    assert changed["neighbour_purity"] == asked
    t = pd.read_parquet(paths.BALANCED / "rows.parquet")["t"].dropna()
    assert t.between(0, 1).all()  # and the rows kept are those asked for


def test_a_profile_without_oversampling_shows_its_real_rows(run):
    metrics = run(profiles__sample__ismote="none")
    assert set(metrics["neighbour_purity"]["macro"]) == {"real", "chance"}
    assert set(metrics["neighbour_purity"]["per_label"]) == set(SIZES)
    for name in PNGS:
        assert imread(paths.PLOTS / name).shape[1] == 1200
