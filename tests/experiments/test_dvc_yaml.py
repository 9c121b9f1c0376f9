"""The experiments' dvc.yaml files against their code, as tests/pipeline/test_dvc_yaml.py does."""

import re
from pathlib import Path

import pytest
from dvc.fs import LocalFileSystem
from dvc.ignore import DvcIgnoreFilter
from ruamel.yaml import YAML
from support.experiment_code import executed
from support.import_closure import check_cover, paths_of

EXPERIMENTS = Path("experiments")
# Every DVC root with its package and, where they are asked for by name, its other dvc.yaml files.
ROOTS = {
    "ablation": ("balance_ablation", ["dvc.yaml", "one-position/dvc.yaml", "crossfit/dvc.yaml"]),
    "published_protocol": ("published_protocol", ["dvc.yaml"]),
    "samplers": ("sampler_comparison", ["dvc.yaml"]),
}
KINDS = ("outs", "metrics", "plots")
PIPELINE = ("../../data/", "../../models/", "../../corpora/")


def read(path: Path) -> dict:
    return YAML(typ="safe").load(path)


STAGES = {
    (root, file, name): content
    for root, (_, files) in ROOTS.items()
    for file in files
    for name, content in read(EXPERIMENTS / root / file)["stages"].items()
}


def module(stage: tuple) -> Path:
    root, _, name = stage
    return EXPERIMENTS / root / ROOTS[root][0] / f"{name}.py"


def dependencies(stage: tuple) -> list[str]:
    root, file, _ = stage
    (variables,) = read(EXPERIMENTS / root / file)["vars"]
    return [path.replace("${lib}", variables["lib"]) for path in STAGES[stage]["deps"]]


def outputs(stage: tuple) -> list[str]:
    """Outputs with a matrix's values put in."""
    content = STAGES[stage]
    paths = paths_of([entry for kind in KINDS for entry in content.get(kind, [])])
    values = content.get("matrix", {"vectors": [""]})["vectors"]
    return [path.replace("${item.vectors}", value) for path in paths for value in values]


def made_before(stage: tuple) -> list[str]:
    order = [other for other in STAGES if other[0] == stage[0]]
    return [path for before in order[: order.index(stage)] for path in outputs(before)]


def test_every_experiment_with_a_pipeline_is_here():
    found = {path.relative_to(EXPERIMENTS) for path in EXPERIMENTS.rglob("dvc.yaml")}
    assert found == {Path(root, file) for root, file, _ in STAGES}


@pytest.mark.parametrize("stage", STAGES, ids="/".join)
def test_the_command_runs_the_stage_as_a_module(stage):
    root, _, name = stage
    assert STAGES[stage]["cmd"].split()[:3] == ["python", "-m", f"{ROOTS[root][0]}.{name}"]


@pytest.mark.parametrize("stage", STAGES, ids="/".join)
def test_declared_code_covers_what_the_stage_imports_and_no_more(stage):
    made = made_before(stage)
    code = [path for path in dependencies(stage) if path not in made]
    folder = EXPERIMENTS / stage[0]
    declared = {
        (folder / path).resolve().relative_to(Path.cwd())
        for path in code
        if not path.startswith(PIPELINE)
    }
    check_cover(executed(module(stage)), declared)


@pytest.mark.parametrize("stage", STAGES, ids="/".join)
def test_every_dependency_is_in_git_of_the_pipeline_or_made_by_a_stage_before(stage):
    made, folder = made_before(stage), EXPERIMENTS / stage[0]
    for path in dependencies(stage):
        assert path.startswith(PIPELINE) or path in made or (folder / path).exists(), path


@pytest.mark.parametrize("stage", STAGES, ids="/".join)
def test_what_is_cached_is_ignored_by_git_and_the_rest_is_in_it(stage):
    folder = EXPERIMENTS / stage[0]
    ignored = [line.strip("/") for line in (folder / ".gitignore").read_text().splitlines()]
    for entry in [entry for kind in KINDS for entry in STAGES[stage].get(kind, [])]:
        if isinstance(entry, str):
            assert entry in ignored or entry.split("/")[0] in ignored, entry
        else:
            ((path, options),) = entry.items()
            assert options["cache"] is False and (folder / path).exists(), path


@pytest.mark.parametrize("stage", STAGES, ids="/".join)
def test_every_stage_declares_the_params_that_its_module_reads(stage):
    params, source = read(EXPERIMENTS / stage[0] / "params.yaml"), module(stage).read_text()
    found = re.findall(
        r'params\.(\w+)|section\("(\w+)|parameters\.(\w+)\(|(?:params|\))\["(\w+)"\]', source
    )
    reads = {name for groups in found for name in groups if name in params}
    named = paths_of(STAGES[stage].get("params", []))
    declared = {name.split(".")[0] for name in named if "/" not in name}
    assert reads <= declared <= set(params)


@pytest.mark.parametrize("root", ROOTS)
def test_python_files_alone_are_dependencies_though_the_library_is_a_link(root):
    files = DvcIgnoreFilter(LocalFileSystem(), str((EXPERIMENTS / root).absolute()))
    room = (EXPERIMENTS / root / "src/emotion_slm/training").absolute()
    assert room.exists() and not files.is_ignored_file(str(room / "trainer.py"))
    for name in ("README.md", ".trainer.py.swp", "trainer.pyc", "__pycache__/trainer.pyc"):
        assert files.is_ignored_file(str(room / name)), name
