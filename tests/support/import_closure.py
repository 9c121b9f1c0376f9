"""Which of this project's files a stage executes: imports followed through the syntax tree.

Imports inside functions count, and modules imported by a constant name.
"""

import ast
from pathlib import Path

SOURCE = Path("src")
PACKAGE = "emotion_slm"
ROOT = SOURCE / PACKAGE / "__init__.py"


def closure(script: Path) -> set[Path]:
    """Files under src/ that `script` imports, directly or not, inside functions or not."""
    found: set[Path] = set()
    pending = [script]
    while pending:
        new = imported_files(pending.pop()) - found
        found |= new
        pending.extend(new)
    return found


def imported_files(path: Path) -> set[Path]:
    """Files under src/ that the file `path` itself imports, packages' markers included."""
    return {file for module in _imported(path) for file in _files(module)}


def _imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            # `from package import name` may name a module or something inside the package.
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
        elif path == ROOT:  # gives users EmotionClassifier by name; no room asks it to
            continue
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            names.update(part.value for part in node.args[:1] if isinstance(part, ast.Constant))
    return {name for name in names if name.split(".")[0] == PACKAGE}


def _files(module: str) -> list[Path]:
    """The module's own file and the __init__ of each package above it, where they exist."""
    parts = module.split(".")
    packages = [SOURCE.joinpath(*parts[:depth]) for depth in range(1, len(parts) + 1)]
    candidates = [package / "__init__.py" for package in packages]
    candidates.append(SOURCE.joinpath(*parts).with_suffix(".py"))
    return [path for path in candidates if path.exists()]


def check_cover(executed: set[Path], declared: set[Path]) -> None:
    """AssertionError where a file of `executed` is in no file or folder of `declared`, or one of
    these holds nothing executed. Markers, `__init__.py`, hold a docstring each and may be left out.
    """
    holds = {path: {file for file in executed if file.is_relative_to(path)} for path in declared}
    markers = {file for file in executed if file.name == "__init__.py"}
    missing = executed - markers - set().union(*holds.values())
    assert not missing, f"to declare: {sorted(map(str, missing))}"
    idle = {path for path, files in holds.items() if not files - (markers - {path})}
    assert not idle, f"declared and not executed: {sorted(map(str, idle))}"


def paths_of(entries: list) -> list[str]:
    """Paths of a deps, params, outs, metrics or plots list of dvc.yaml, with or without options."""
    return [next(iter(entry)) if isinstance(entry, dict) else entry for entry in entries]
