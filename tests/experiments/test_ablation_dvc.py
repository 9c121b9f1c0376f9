"""The experiment's dvc.yaml files against its code, as tests/pipeline/test_dvc_yaml.py does."""

import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from support.experiment_code import executed, paths_of

FOLDER = Path("experiments/ablation")
PACKAGE = "balance_ablation"
FILES = ("dvc.yaml", "one-position/dvc.yaml", "crossfit/dvc.yaml")
KINDS = ("outs", "metrics", "plots")
STAGES = {
    (file, name): content
    for file in FILES
    for name, content in YAML(typ="safe").load(FOLDER / file)["stages"].items()
}
LIBRARY = "../../src/emotion_slm/"
# What decides the numbers of a kind of stage. Modules that these import for other things are left
# out: a change there cannot change a number here.
BALANCE = {
    f"{LIBRARY}balance/{name}.py"
    for name in (
        "draws", "geometry", "ismote", "labelsets", "multilabel", "neighbours", "targets",
        "undersample",
    )
}  # fmt: skip
TRAINING = {
    f"{LIBRARY}{name}.py"
    for name in (
        "evaluation/ranking", "model/classifiers", "model/heads", "model/losses", "seeds",
        "training/batches", "training/learner", "training/optimizer", "training/schedule",
        "training/trainer", "training/validation",
    )
}  # fmt: skip
ENCODING = {
    f"{LIBRARY}{name}.py"
    for name in (
        "encoder/adapted", "encoder/embed", "encoder/text_classifier", "encoder/tokens",
        "model/backbone",
    )
}  # fmt: skip
FOLDS = {f"{LIBRARY}evaluation/folds.py", f"{LIBRARY}seeds.py"}
RANKING = {f"{LIBRARY}evaluation/{name}.py" for name in ("ranking", "shrunken", "thresholds")}
ADAPTING = {f"{LIBRARY}encoder/adapt.py", f"{LIBRARY}model/losses.py"} | {
    path for path in TRAINING if "/training/" in path
}
ONE_POSITION = {f"{LIBRARY}model/{name}.py" for name in ("backbone", "lora", "one_position")}
DECIDING = {
    "embed": ENCODING,
    "rates": TRAINING,
    "heads": TRAINING | BALANCE,
    "one_position": TRAINING | BALANCE | ONE_POSITION,
    "crossfit": ENCODING | ADAPTING | FOLDS,
    "scores": RANKING | FOLDS,
    "differences": {f"{LIBRARY}evaluation/bootstrap.py", f"{LIBRARY}seeds.py"},
    "tables": set(),
    "figure": set(),
}


def outputs(stage: tuple) -> list[str]:
    """Outputs with a matrix's values put in."""
    content = STAGES[stage]
    paths = paths_of([entry for kind in KINDS for entry in content.get(kind, [])])
    values = content.get("matrix", {"vectors": [""]})["vectors"]
    return [path.replace("${item.vectors}", value) for path in paths for value in values]


@pytest.mark.parametrize("stage", STAGES, ids="/".join)
def test_declared_code_is_what_the_stage_imports_and_what_decides_its_numbers(stage):
    _, name = stage
    module, *_ = STAGES[stage]["cmd"].removeprefix(f"python -m {PACKAGE}.").split()
    assert module == name
    expected = {
        path.relative_to(FOLDER).as_posix() for path in executed(FOLDER / PACKAGE / f"{name}.py")
    }
    expected |= DECIDING[name]
    declared = {path for path in STAGES[stage]["deps"] if path.endswith(".py")}
    listing = "\n".join(f"      - {path}" for path in sorted(expected))
    assert declared == expected, f"the code deps of {stage} should be:\n{listing}"


@pytest.mark.parametrize("stage", STAGES, ids="/".join)
def test_every_dependency_is_a_file_or_made_by_a_stage_before(stage):
    order = list(STAGES)
    made = [path for before in order[: order.index(stage)] for path in outputs(before)]
    for path in STAGES[stage]["deps"]:
        of_pipeline = path.startswith(("../../data/", "../../models/"))
        assert of_pipeline or path in made or (FOLDER / path).exists(), path


def test_only_the_folder_cache_is_cached_and_git_ignores_it():
    assert "/cache/" in (FOLDER / ".gitignore").read_text().splitlines()
    for content in STAGES.values():
        for entry in [entry for kind in KINDS for entry in content.get(kind, [])]:
            if isinstance(entry, str):
                assert entry.startswith("cache/")
            else:
                ((_, options),) = entry.items()
                assert options["cache"] is False


def test_every_tracked_output_of_the_ablation_is_there():
    for file, name in STAGES:
        if file == "dvc.yaml":
            for path in outputs((file, name)):
                assert path.startswith("cache/") or (FOLDER / path).exists(), path


def test_every_stage_declares_the_params_that_its_module_reads():
    for (_, name), content in STAGES.items():
        declared = set(paths_of(content.get("params", []))) - {"../../params.yaml"}
        source = (FOLDER / PACKAGE / f"{name}.py").read_text()
        read = set(re.findall(r"\bparams\.(\w+)", source)) & set(
            YAML(typ="safe").load(FOLDER / "params.yaml")
        )
        assert read <= declared, name
