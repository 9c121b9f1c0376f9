"""What an experiment's dvc.yaml says, and what its stages execute."""

import ast
from pathlib import Path


def paths_of(entries: list) -> list[str]:
    """The paths of a stage's outs, metrics or plots, with or without options."""
    return [next(iter(entry)) if isinstance(entry, dict) else entry for entry in entries]


def executed(script: Path) -> set[Path]:
    """`script` and the modules of its own package that it imports, directly or not."""
    folder, package = script.parent.parent, script.parent.name
    found, pending = set(), [script]
    while pending:
        path = pending.pop()
        found.add(path)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == package:
                # `from package import name` names a module, `from package.module import …` has it.
                names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
                files = {folder.joinpath(*name.split(".")).with_suffix(".py") for name in names}
                pending += [file for file in files - found if file.exists()]
    return found
