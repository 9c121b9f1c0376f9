"""The files that `monitor` reads: those named, and those in folders."""

from collections.abc import Sequence
from pathlib import Path

from emotion_slm.bulk.inputs import has_known_suffix
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.scoring.formats import (
    SUFFIXES,
    Format,
    default_output,
    input_format,
)


def files_of(inputs: Sequence[Path], output: Path | None = None) -> list[Path]:
    """The files named, and those in folders named, each once.

    In folders, what begins with a dot or an underscore is no data, as `predict` has it, and what
    lies in the folder `output` is of an earlier run. EmotionSlmError where there is no file, and
    for one whose rows come a second time in what `predict` made of it, and for an output folder
    that is an input.
    """
    found: dict[Path, Path] = {}  # by their real names
    for path in inputs:
        if path.is_dir():
            if output is not None and output.resolve() == path.resolve():
                raise EmotionSlmError(f"{output}: is the input; give another folder with -o")
            inside = sorted(one for one in path.rglob("*") if one.is_file() and _known(one, path))
            inside = [one for one in inside if not _lies_in(one, output, path)]
            if not inside:
                known = sorted(one for one in SUFFIXES if SUFFIXES[one] is not Format.LINES)
                raise EmotionSlmError(f"{path}: holds no file of {', '.join(known)}")
        elif path.is_file():
            inside = [path]
        else:
            raise EmotionSlmError(f"{path}: no such file or folder")
        for one in inside:
            found.setdefault(one.resolve(), one)
    for real, path in found.items():
        if has_known_suffix(real.name):
            scored = default_output(real, input_format(real, None))
            if scored in found:
                raise EmotionSlmError(
                    f"{path}: its rows are in {found[scored]} once more; name one of the two"
                )
    return list(found.values())


def _lies_in(path: Path, output: Path | None, folder: Path) -> bool:
    """Whether a file of `folder` lies in `output`, and that in `folder`."""
    if output is None:
        return False
    out = output.resolve()
    return folder.resolve() in out.parents and out in path.resolve().parents


def _known(path: Path, folder: Path) -> bool:
    """Whether a file of `folder` is one of data; plain lines have no times."""
    hidden = any(part.startswith((".", "_")) for part in path.relative_to(folder).parts)
    if hidden or path.name.endswith(".rejected.jsonl") or not has_known_suffix(path.name):
        return False
    return input_format(path, None) is not Format.LINES
