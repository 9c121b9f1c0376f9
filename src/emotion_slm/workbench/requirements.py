"""requirements.lock from what a resolver found: `make update` runs this module as a program.

The lock fits a machine without a GPU as well as one with: torch keeps its pin and no build tag, and
the CUDA libraries that its default build asks for are left to it.
"""

import re
import sys
from pathlib import Path

from emotion_slm.common.console import fail
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import write_bytes

LOCK = Path("requirements.lock")
PIN = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)==(?P<version>[^\s;+]+)(?:\+[^\s;]+)?")
# Brought by torch's default build; nvidia-ml-py is a plain library that others ask for.
WITH_CUDA = re.compile(r"triton$|cuda-|nvidia-(?!ml-py$)")
KEPT = "torch"  # the version that was tested; another one is a decision of its own


def lock_of(resolved: str) -> str:
    """Lines `name==version`, sorted by name, of a resolver's output.

    Comments, markers and build tags such as `+cpu` go. EmotionSlmError for a line that is no pin.
    """
    pins = {}
    for line in resolved.splitlines():
        text = line.split("#")[0].strip()
        if not text:
            continue
        pin = PIN.match(text)
        if pin is None:
            raise EmotionSlmError(f"{text!r}: not a line `name==version`; nothing was written")
        if not WITH_CUDA.match(pin["name"].lower()):
            pins[pin["name"]] = pin["version"]
    if not pins:
        raise EmotionSlmError("the resolver found no package; nothing was written")
    return "".join(f"{name}=={pins[name]}\n" for name in sorted(pins, key=str.lower))


def changes(before: str, after: str) -> list[str]:
    """A line per package whose version differs, came or went; `-`, `_` and `.` are one in names."""
    old, new = map(_versions, (before, after))
    return [
        f"{name} {old.get(name, 'new')} → {new.get(name, 'gone')}"
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]


def kept(lock: str) -> str:
    """The pin of torch, for the resolver to hold to; EmotionSlmError if the lock has none."""
    for line in lock.splitlines():
        if line.startswith(f"{KEPT}=="):
            return line
    raise EmotionSlmError(f"{LOCK}: no pin of {KEPT}; add the version that is to be kept")


def _versions(lock: str) -> dict[str, str]:
    pins = (line.split("==") for line in lock.split())
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in pins}


def main() -> None:
    """`--kept` prints torch's pin; otherwise the file named is a resolver's output."""
    try:
        before = LOCK.read_text(encoding="utf-8")
        if sys.argv[1] == "--kept":
            print(kept(before))
            return
        after = lock_of(Path(sys.argv[1]).read_text(encoding="utf-8"))
    except EmotionSlmError as error:
        fail(str(error))
    write_bytes(LOCK, after.encode())
    print("\n".join(changes(before, after)) or f"{LOCK}: nothing newer")


if __name__ == "__main__":
    main()
