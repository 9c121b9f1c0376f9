"""The experiment's dvc.yaml against its code, as tests/pipeline/test_dvc_yaml.py does."""

from pathlib import Path

import pytest
from ruamel.yaml import YAML
from support.experiment_code import executed, paths_of

FOLDER = Path("experiments/samplers")
PACKAGE = "sampler_comparison"
# What decides an ISMOTE row and a seed. Modules that these import for other samplers are left out:
# a change there cannot change a number here, and the folds take minutes.
LIBRARY = {
    "../../src/emotion_slm/balance/geometry.py",
    "../../src/emotion_slm/balance/ismote.py",
    "../../src/emotion_slm/balance/neighbours.py",
    "../../src/emotion_slm/common/seeds.py",
}
STAGES = YAML(typ="safe").load(FOLDER / "dvc.yaml")["stages"]
KINDS = ("outs", "metrics", "plots")


def outputs(stage: str) -> list[str]:
    return paths_of([entry for kind in KINDS for entry in STAGES[stage].get(kind, [])])


@pytest.mark.parametrize("stage", STAGES)
def test_declared_code_is_exactly_what_the_stage_imports(stage):
    assert STAGES[stage]["cmd"] == f"python -m {PACKAGE}.{stage}"
    expected = {
        path.relative_to(FOLDER).as_posix() for path in executed(FOLDER / PACKAGE / f"{stage}.py")
    }
    expected |= LIBRARY if stage == "folds" else set()
    declared = {path for path in STAGES[stage]["deps"] if path.endswith(".py")}
    listing = "\n".join(f"      - {path}" for path in sorted(expected))
    assert declared == expected, f"the code deps of {stage} should be:\n{listing}"


@pytest.mark.parametrize("stage", STAGES)
def test_every_dependency_is_a_file_or_made_by_a_stage_before(stage):
    order = list(STAGES)
    made = [path for before in order[: order.index(stage)] for path in outputs(before)]
    for path in STAGES[stage]["deps"]:
        assert path in made or (FOLDER / path).exists(), path


def test_only_the_folds_are_cached_and_git_ignores_them():
    assert STAGES["folds"]["outs"] == ["folds.csv"]
    assert "/folds.csv" in (FOLDER / ".gitignore").read_text().splitlines()
    for stage in list(STAGES)[1:]:
        for kind in KINDS:
            for entry in STAGES[stage].get(kind, []):
                ((path, options),) = entry.items()
                assert options["cache"] is False and (FOLDER / path).exists(), path


def test_every_stage_reads_the_params_it_declares():
    declared = {stage: STAGES[stage].get("params", []) for stage in STAGES}
    summary = ["confidence", "folds.splits"]
    assert declared == {"folds": ["folds"], "summary": summary, "tables": [], "figure": []}
