"""Disks that take no more: an error of the kernel, and small file systems of memory."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path


def refusing(number: int) -> Callable:
    """A function that fails as the kernel does, with error `number`, whatever it is given."""

    def refuse(*_arguments, **_options):
        raise OSError(number, os.strerror(number))

    return refuse


class SmallDisk:
    """A file system in memory at `folder`; `mount` says False where mounting is not allowed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def mount(self) -> bool:
        self.folder.mkdir(parents=True, exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", "size=256m", "tmpfs", self.folder]
        return subprocess.run(command, check=False, capture_output=True).returncode == 0

    def change(self, option: str) -> None:
        """Remount with `ro`, `rw` or `size=BYTES`."""
        subprocess.run(["mount", "-o", f"remount,{option}", self.folder], check=True)

    def leave(self, free: int) -> None:
        """Let it have room for `free` bytes more."""
        found = os.statvfs(self.folder)
        used = (found.f_blocks - found.f_bfree) * found.f_frsize
        self.change(f"size={used + free}")

    def unmount(self) -> None:
        subprocess.run(["umount", self.folder], check=True)
