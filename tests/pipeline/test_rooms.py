"""The order of rooms: one imports only those above it, and no circle of files is left."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from support.import_closure import SOURCE, imported_files

PACKAGE = SOURCE / "emotion_slm"
ROOMS = [
    "common", "corpus", "backbone", "training", "encoder", "classifier", "calibration",
    "evaluation", "balance", "plots", "package", "audit", "scoring", "bulk", "explain", "monitor",
    "publish", "serve", "workbench", "cli",
]  # fmt: skip
LOOSE = {"__init__.py", "transformers.py"}
FILES = sorted(PACKAGE.rglob("*.py"))


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0]


def test_every_file_is_in_a_room():
    assert {path.name for path in PACKAGE.glob("*.py")} == LOOSE
    assert {room(path) for path in FILES if path.parent != PACKAGE} == set(ROOMS)
    assert all(len(path.relative_to(PACKAGE).parts) <= 2 for path in FILES)


@pytest.mark.parametrize("name", ROOMS)
def test_a_room_imports_only_rooms_above_it(name):
    allowed = set(ROOMS[: ROOMS.index(name) + 1])
    for path in FILES:
        if room(path) == name:
            below = {
                found.as_posix()
                for found in imported_files(path)
                if found.parent != PACKAGE and room(found) not in allowed
            }
            assert not below, f"{path} imports {below}"


def test_no_circle_of_files():
    graph = {path: imported_files(path) - {path} for path in FILES if path.name != "__init__.py"}
    TopologicalSorter(
        {path: {dep for dep in deps if dep.name != "__init__.py"} for path, deps in graph.items()}
    ).prepare()  # raises CycleError


def test_modules_imported_by_name_are_seen(tmp_path, monkeypatch):
    """`importlib.import_module` of a constant counts as an import."""
    (tmp_path / "src/emotion_slm").mkdir(parents=True)
    (tmp_path / "src/emotion_slm/late.py").write_text("")
    (tmp_path / "script.py").write_text(
        "import importlib\nimportlib.import_module('emotion_slm.late')\n"
    )
    monkeypatch.chdir(tmp_path)
    assert Path("src/emotion_slm/late.py") in imported_files(Path("script.py"))


def test_no_room_asks_the_package_itself_for_anything():
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            assert not (isinstance(node, ast.ImportFrom) and node.module == PACKAGE.name) or {
                alias.name for alias in node.names
            } <= {*ROOMS}, path


def test_no_module_is_imported_by_a_name_that_is_computed():
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
                assert isinstance(node.args[0], ast.Constant), f"{path}:{node.lineno}"
