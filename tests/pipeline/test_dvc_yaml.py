"""dvc.yaml against the code: what a stage executes and reads is what it declares."""

import ast
from pathlib import Path

import pytest
from dvc.fs import LocalFileSystem
from dvc.ignore import DvcIgnoreFilter
from ruamel.yaml import YAML
from support.import_closure import check_cover, closure, paths_of

from emotion_slm.balance import purity
from emotion_slm.classifier.params import FinetuneParams
from emotion_slm.common.params import RUN_KEYS, Document
from emotion_slm.corpus.labels import CORPUS
from emotion_slm.encoder.params import AdaptParams
from emotion_slm.evaluation import results
from emotion_slm.training.curve import Epoch
from stages import finetune

PIPELINE = YAML(typ="safe").load(Path("dvc.yaml"))
STAGES = PIPELINE["stages"]
# DESIGN's order of stages, and that of dvc.yaml.
ORDER = [
    "params", "fetch", "split", "adapt", "embed", "undersample",
    "ismote", "finetune", "baselines", "evaluate",
]  # fmt: skip


def script(stage: str) -> Path:
    return Path("stages") / f"{stage}.py"


def outputs(stage: str) -> list[str]:
    kinds = ("outs", "metrics", "plots")
    return paths_of([entry for kind in kinds for entry in STAGES[stage].get(kind, [])])


def test_every_stage_has_a_script_and_every_script_a_stage():
    assert list(STAGES) == ORDER
    assert {path.stem for path in Path("stages").glob("[!_]*.py")} == set(ORDER)


@pytest.mark.parametrize("stage", ORDER)
def test_the_command_runs_the_stage_as_a_module(stage):
    assert STAGES[stage]["cmd"] == f"python -m stages.{stage}"


def code(stage: str) -> list[str]:
    """The code a stage declares: files, and folders of src/emotion_slm."""
    library = PIPELINE["vars"][0]["lib"]
    declared = [path.replace("${lib}", library) for path in paths_of(STAGES[stage]["deps"])]
    return [path for path in declared if path.startswith(("src/", "stages"))]


@pytest.mark.parametrize("stage", ORDER)
def test_declared_code_covers_what_the_stage_imports_and_no_more(stage):
    ran = ORDER if stage == "params" else [stage]  # it runs first whatever has changed
    executed = {file for name in ran for file in (script(name), *closure(script(name)))}
    check_cover(executed, {Path(path) for path in code(stage)})


def test_room_markers_hold_a_docstring_alone():
    for path in Path(PIPELINE["vars"][0]["lib"]).glob("*/__init__.py"):
        (statement,) = ast.parse(path.read_text()).body
        assert isinstance(statement, ast.Expr), path


def test_python_files_alone_are_dependencies():
    files = DvcIgnoreFilter(LocalFileSystem(), str(Path.cwd()))
    room = Path("src/emotion_slm/training").resolve()
    assert not files.is_ignored_file(str(room / "trainer.py"))
    assert not files.is_ignored_file(str(script("fetch").resolve()))
    for name in ("README.md", ".trainer.py.swp", "trainer.pyc", "__pycache__/trainer.pyc"):
        assert files.is_ignored_file(str(room / name)), name
        assert files.is_ignored_file(str(Path("stages").resolve() / name)), name


def test_the_closure_follows_imports_inside_functions(tmp_path, monkeypatch):
    (tmp_path / "src/emotion_slm/inner").mkdir(parents=True)
    for name in ("__init__", "direct", "late", "inner/__init__", "inner/leaf"):
        (tmp_path / f"src/emotion_slm/{name}.py").write_text("")
    (tmp_path / "src/emotion_slm/direct.py").write_text(
        "def f():\n    from emotion_slm import late\n"
    )
    (tmp_path / "src/emotion_slm/late.py").write_text("import emotion_slm.inner.leaf\n")
    (tmp_path / "script.py").write_text("from emotion_slm.direct import f\n")
    monkeypatch.chdir(tmp_path)
    found = {path.as_posix() for path in closure(Path("script.py"))}
    assert found == {
        "src/emotion_slm/__init__.py",
        "src/emotion_slm/direct.py",
        "src/emotion_slm/late.py",
        "src/emotion_slm/inner/__init__.py",
        "src/emotion_slm/inner/leaf.py",
    }


@pytest.mark.parametrize("stage", ORDER)
def test_declared_params_are_those_the_stage_reads(stage):
    read = _sections(script(stage)) | _attributes_of_document(script(stage))
    if stage == "evaluate":  # the package says what the whole run was given
        read = {*RUN_KEYS} - {"baselines"}
    declared = [names for entry in STAGES[stage].get("params", []) for names in entry.items()]
    assert declared == ([] if stage == "params" else [("metrics/params.yaml", declared[0][1])])
    assert stage == "params" or {*declared[0][1]} == read


def _sections(path: Path) -> set[str]:
    """The names in `document.section("name", …)` and `document.is_none("name")`."""
    return {
        node.args[0].value
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("section", "is_none")
    }


def _attributes_of_document(path: Path) -> set[str]:
    return {
        node.attr
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and ast.unparse(node.value) == "document"
        and node.attr in ("seed", "threads", "profile")
    }


def test_no_two_stages_write_into_one_folder():
    owners = {out: stage for stage in ORDER for out in outputs(stage)}
    assert len(owners) == sum(len(outputs(stage)) for stage in ORDER)
    for out, stage in owners.items():
        for other, owner in owners.items():
            assert out == other or not other.startswith(f"{out}/"), f"{stage} and {owner}"


def test_every_data_dependency_is_made_by_an_earlier_stage():
    made: list[str] = []
    for stage in ORDER:
        for dep in paths_of(STAGES[stage]["deps"]):
            if dep.startswith(("data/", "models/", "metrics/")):
                assert any(dep == out or dep.startswith(f"{out}/") for out in made), dep
        made += outputs(stage)


def test_what_is_kept_in_git_is_not_cached_and_what_is_cached_is_ignored_by_git():
    ignored = Path(".gitignore").read_text().splitlines()
    assert {"/data/*", "/models/*"} <= set(ignored)
    for stage in ORDER:
        for out in STAGES[stage].get("outs", []):
            (path,) = paths_of([out])
            assert path == "metrics/params.yaml" or path.startswith(("data/", "models/")), out
        for entry in STAGES[stage].get("metrics", []) + STAGES[stage].get("plots", []):
            ((path, options),) = entry.items()
            assert path.startswith("metrics/") and options["cache"] is False, path


def test_nothing_defeats_the_cache():
    text = Path("dvc.yaml").read_text()
    for word in ("always_changed", "frozen", "persist"):  # the last shuts out the run-cache
        assert f"{word}:" not in text


def test_curves_and_the_model_are_declared_at_top_level():
    curves = {path for plot in PIPELINE["plots"] for name in plot for path in plot[name]["y"]}
    made = [path for stage in ORDER for path in outputs(stage)]
    assert curves == {path for path in made if path.endswith("_curve.csv")}
    assert PIPELINE["artifacts"]["classifier"]["path"] in outputs("evaluate")


def test_the_pipeline_is_read_in_two_pages():
    assert len(Path("dvc.yaml").read_text().splitlines()) <= 180


def test_every_table_and_picture_is_one_that_is_written():
    drawn = {path for stage in ORDER for path in outputs(stage) if "/plots/" in path}
    tables = {*results.COLUMNS, "purity", "adapt_curve", "finetune_curve"}
    assert {path for path in drawn if path.endswith(".csv")} == {
        f"metrics/plots/{name}.csv" for name in tables
    }
    assert len(drawn) - len(tables) == 5


def test_tables_are_drawn_over_columns_that_they_have():
    tables = {**results.COLUMNS, "purity": purity.COLUMNS}
    tables |= dict.fromkeys(("adapt_curve", "finetune_curve"), Epoch._fields)
    for stage in ORDER:
        for entry in STAGES[stage].get("plots", []):
            ((path, options),) = entry.items()
            if path.endswith(".csv"):
                assert {options["x"], options["y"]} <= {*tables[Path(path).stem]}, path


@pytest.mark.parametrize("profile", ["minilm", "recipe-minilm"])
def test_finetune_resumes_only_what_came_of_its_declared_data(profile):
    params = Document.read().with_profile(profile).section("finetune", FinetuneParams)
    read = {
        path.as_posix() if path.name == CORPUS else "/".join(path.parts[:2])
        for path in finetune.inputs(params)
        if not path.is_absolute()
    }
    declared = {
        path
        for path in paths_of(STAGES["finetune"]["deps"])
        if path.startswith(("data/", "models/"))
    }
    assert declared - read == ({"models/adapted"} if params.start == "fresh" else set())
    assert read <= declared


def test_a_launch_config_is_part_of_what_is_resumed():
    params = Document.read().section("finetune", FinetuneParams)
    training = params.training.model_copy(update={"launch": "configs/accelerate/ddp_4_gpus.yaml"})
    launched = finetune.inputs(params.model_copy(update={"training": training}))
    assert set(launched) - set(finetune.inputs(params)) == {
        Path("configs/accelerate/ddp_4_gpus.yaml")
    }


@pytest.mark.parametrize(
    ("profile", "stage", "kind"),
    [
        ("mistral", "adapt", AdaptParams),
        ("recipe-mistral", "finetune", FinetuneParams),
        ("recipe-mistral-bos", "finetune", FinetuneParams),
    ],
)
def test_a_kill_costs_a_long_job_minutes_and_not_an_epoch(profile, stage, kind):
    training = Document.read().with_profile(profile).section(stage, kind).training
    assert training.checkpoint_steps <= 200
