"""The experiment's dvc.yaml against its code, as tests/pipeline/test_dvc_yaml.py does."""

from pathlib import Path

import pytest
from ruamel.yaml import YAML
from support.experiment_code import executed, paths_of

FOLDER = Path("experiments/published_protocol")
PACKAGE = "published_protocol"
SOURCE = "../../src/emotion_slm/"
# The code that decides a stage's numbers. What the library does around it (checkpoints, progress,
# several processes, loading what was pinned by its hash, reading and writing files) is left out:
# a change there must not change a number, and other tests see to that.
LIBRARY = {
    "embed": [
        "corpus/tsv", "encoder/embed", "encoder/text_classifier", "encoder/tokens",
    ],
    "balance": [
        "balance/draws", "balance/geometry", "balance/neighbours", "corpus/tsv", "seeds",
    ],
    "audit": ["corpus/split", "evaluation/leakage_balance", "evaluation/leakage_split"],
    "training": [
        "evaluation/ranking", "model/finetune", "model/heads", "model/losses", "seeds",
        "training/batches", "training/learner", "training/optimizer", "training/schedule",
        "training/trainer", "training/validation",
    ],
    "results": [
        "evaluation/folds", "evaluation/ranking", "evaluation/shrunken", "evaluation/thresholds",
    ],
    "tables": [],
    "figure": ["canvas"],
}  # fmt: skip
STAGES = YAML(typ="safe").load(FOLDER / "dvc.yaml")["stages"]
KINDS = ("outs", "metrics", "plots")
CACHED = {"embed": ["embedded"], "balance": ["workspaces"], "training": ["predictions"]}


def outputs(stage: str) -> list[str]:
    return paths_of([entry for kind in KINDS for entry in STAGES[stage].get(kind, [])])


@pytest.mark.parametrize("stage", STAGES)
def test_declared_code_is_exactly_what_decides_the_stage(stage):
    assert STAGES[stage]["cmd"] == f"python -m {PACKAGE}.{stage}"
    expected = {
        path.relative_to(FOLDER).as_posix() for path in executed(FOLDER / PACKAGE / f"{stage}.py")
    }
    expected |= {f"{SOURCE}{module}.py" for module in LIBRARY[stage]}
    declared = {path for path in STAGES[stage]["deps"] if path.endswith(".py")}
    listing = "\n".join(f"      - {path}" for path in sorted(expected))
    assert declared == expected, f"the code deps of {stage} should be:\n{listing}"


@pytest.mark.parametrize("stage", STAGES)
def test_every_dependency_is_a_file_or_made_by_a_stage_before(stage):
    order = list(STAGES)
    made = [path for before in order[: order.index(stage)] for path in outputs(before)]
    for path in STAGES[stage]["deps"]:
        # The corpus is made by the pipeline and in no fresh clone.
        assert path in made or path == "../../data/raw" or (FOLDER / path).exists(), path


@pytest.mark.parametrize("stage", STAGES)
def test_what_shows_corpus_rows_or_is_large_is_cached_and_ignored_the_rest_in_git(stage):
    ignored = (FOLDER / ".gitignore").read_text().splitlines()
    cached = [path for path in STAGES[stage].get("outs", []) if isinstance(path, str)]
    assert cached == CACHED.get(stage, [])
    assert all(f"/{path}/" in ignored for path in cached)
    for kind in KINDS:
        for entry in STAGES[stage].get(kind, []):
            if isinstance(entry, dict):
                ((path, options),) = entry.items()
                assert options["cache"] is False and (FOLDER / path).exists(), path


def test_every_stage_reads_the_params_it_declares():
    declared = {stage: STAGES[stage].get("params", []) for stage in STAGES}
    assert declared == {
        "embed": ["embed", "encoder", "threads"],
        "balance": ["protocol", "seeds", "threads"],
        "audit": ["seeds"],
        "training": ["finetune", "seeds", "threads"],
        "results": ["seeds", "thresholds"],
        "tables": [],
        "figure": [],
    }
