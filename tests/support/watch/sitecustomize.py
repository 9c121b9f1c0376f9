"""Tells what a run is about to change in its workspace, and stops it at a chosen event of these.

Python imports this module at the start of every process that has its folder on the path: DVC's and
the stages'. Between two events the workspace stays as it is, but for files that are being written;
that one has just been opened, or is half written, is an event too. So a kill at some event is a
kill at any moment, and the speed of the machine has no say in it.

Environment variables: WATCH_EVENTS, a file outside the workspace, gets a line for each event.
WATCH_MOMENT is JSON, null for a run left alone: at the `number`-th event that matches `pattern`,
from the first of `stages` that begins on, the process sends `signal` to its group, or halts itself
if that is SIGSTOP.
"""

import itertools
import json
import os
import re
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

WORKSPACE = Path.cwd()
CHANGES = ("mkdir", "rmdir", "remove", "rename", "link", "symlink", "truncate", "chmod", "utime")
TEMPORARY = (".part", ".tmp")  # endings of what a rename is about to bring to its place

moment = json.loads(os.environ["WATCH_MOMENT"])
events = os.open(os.environ["WATCH_EVENTS"], os.O_RDWR | os.O_APPEND | os.O_CREAT)
turn = threading.RLock()  # a finaliser may remove a file meanwhile
reached = False


def watch(event: str, arguments: tuple) -> None:
    if reached:
        return
    if event == "subprocess.Popen":
        if begun := re.search(r"-m stages\.(\w+)", str(arguments[1])):
            tell(f"begin {begun[1]}")
    elif event == "open":
        path, _, flags = arguments
        if flags & (os.O_WRONLY | os.O_RDWR) and (name := inside(path)):
            tell(f"open {name}")
            tell(f"opened {name}", lambda: os.close(os.open(path, flags, 0o666)))
    elif event.removeprefix("os.") in CHANGES and (name := inside(arguments[0])):
        path = Path(arguments[0])
        if name.endswith(TEMPORARY) and event == "os.rename" and path.is_file():
            half = path.stat().st_size // 2
            tell(f"half-written {name}", lambda: os.truncate(path, half))
        tell(f"{event.removeprefix('os.')} {name}")


def inside(path: object) -> str | None:
    """The path in the workspace; None for what is elsewhere, or compiled code."""
    if not isinstance(path, str | os.PathLike):
        return None
    whole = Path(path).absolute()
    ours = whole.is_relative_to(WORKSPACE) and "__pycache__" not in whole.parts
    return str(whole.relative_to(WORKSPACE)) if ours else None


def tell(line: str, bring_about: Callable[[], object] = lambda: None) -> None:
    """Tell of an event, and stop here if it is the one: after it has been brought about."""
    global reached
    with turn:
        os.write(events, f"{line}\n".encode())
        now = not reached and is_moment(line)
        reached = reached or now
    if now:
        bring_about()
        if moment["signal"] == signal.SIGSTOP:
            os.kill(os.getpid(), signal.SIGSTOP)
        else:
            os.killpg(0, moment["signal"])


def is_moment(line: str) -> bool:
    if not moment or not re.search(moment["pattern"], line):
        return False
    lines = os.pread(events, os.fstat(events).st_size, 0).decode().splitlines()
    begins = [f"begin {stage}" for stage in moment["stages"]]
    since = itertools.dropwhile(lambda one: one not in begins, lines)
    return sum(bool(re.search(moment["pattern"], one)) for one in since) == moment["number"]


sys.addaudithook(watch)
