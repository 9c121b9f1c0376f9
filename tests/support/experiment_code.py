"""What a stage of an experiment executes: its own modules, those it shares, and the library's."""

import ast
from pathlib import Path

from support.import_closure import closure


def executed(script: Path) -> set[Path]:
    """`script`, modules beside its package that it imports, directly or not, and the library's.

    Paths are relative to the repository's root, links followed.
    """
    folder = script.parent.parent
    own, pending = set(), [script]
    while pending:
        path = pending.pop()
        own.add(path)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                # `from package import name` names a module, `from package.module import …` has it.
                names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
                files = {folder.joinpath(*name.split(".")).with_suffix(".py") for name in names}
                pending += [file for file in files - own if file.exists()]
    library = set().union(*(closure(path) for path in own))
    return library | {path.resolve().relative_to(Path.cwd()) for path in own}
