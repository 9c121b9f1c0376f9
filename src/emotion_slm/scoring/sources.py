"""Opening an input, once: compression and encoding are told from its first bytes."""

import bz2
import codecs
import gzip
import io
import lzma
import os
import re
import stat
import sys
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.scoring.formats import STANDARD

HEAD = 1 << 16  # bytes

# What compressed files begin with.
COMPRESSIONS = {
    "gzip": re.compile(rb"\x1f\x8b\x08"),
    "bzip2": re.compile(rb"BZh[1-9](1AY&SY|\x17rE8P\x90)"),
    "xz": re.compile(rb"\xfd7zXZ\x00"),
    "zstd": re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18"),
}
# Longest first: the mark of UTF-32 begins as that of UTF-16 does.
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
FOREIGN = {
    b"PK\x03\x04": "a ZIP archive or an Excel workbook; save what it holds as CSV (UTF-8)",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook; save it as CSV (UTF-8)",
}
PARQUET = b"PAR1"

# Python has no lone surrogates in text that it decodes, so this one marks what cannot be decoded.
MALFORMED = "\udcff"
codecs.register_error("malformed", lambda error: (MALFORMED, error.end))


class DamagedError(EmotionSlmError):
    """Compressed data that ends early or contradicts itself; what came before it is good."""


class Source(NamedTuple):
    """An open input: its bytes (decompressed), the first of them, and how to decode them.

    `path` names it in messages. `direct`: the bytes are the file's own, to be had in any order; not
    so of pipes and compressed files.
    """

    path: Path | str
    stream: BinaryIO
    head: bytes
    encoding: str
    direct: bool


def descriptor(path: Path) -> int | None:
    """The number of the open file that /dev/stdin, /dev/fd/63 and the like name, if any."""
    folder = Path("/dev/fd").resolve()
    for _ in range(8):
        if path.name.isdigit() and path.parent.resolve() == folder:
            return int(path.name)
        if not path.is_symlink():
            return None
        path = path.parent / path.readlink()
    return None


def once(path: Path) -> bool:
    """Whether an input can be read only once: a pipe, or standard input under any name."""
    return path == STANDARD or descriptor(path) is not None or path.is_fifo()


@contextmanager
def open_source(path: Path) -> Iterator[Source]:
    """Open `path`; EmotionSlmError for what nobody reads: an archive, UTF-16 without its mark."""
    with ExitStack() as stack:
        stream = _open(path)
        if path != STANDARD:
            stack.callback(stream.close)
        yield recognized(path, stream)


def recognized(path: Path | str, stream: BinaryIO) -> Source:
    """The source that an open stream of the file called `path` is; errors as `open_source`."""
    direct = stream.seekable()
    head, stream = _with_head(stream)
    kind = _compression(head)
    if kind:
        raw = _Decompressed(path, kind, _decompressor(kind, stream))
        head, stream = _with_head(io.BufferedReader(raw, HEAD))
        if inner := _compression(head):
            raise EmotionSlmError(f"{path}: it is {inner} inside {kind}; decompress it once")
    for begin, what in FOREIGN.items():
        if head.startswith(begin):
            raise EmotionSlmError(f"{path}: it is {what}")
    return Source(path, stream, head, _encoding(path, head), direct and not kind)


def _compression(head: bytes) -> str | None:
    return next((kind for kind, begin in COMPRESSIONS.items() if begin.match(head)), None)


def _open(path: Path) -> BinaryIO:
    if path == STANDARD:
        if sys.stdin is None:
            raise EmotionSlmError("standard input is closed; give a file, or pipe one in")
        return sys.stdin.buffer
    number = descriptor(path)
    if number is not None:
        return os.fdopen(os.dup(number), "rb")
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
        raise EmotionSlmError(f"{path}: is neither a file nor a pipe; give one, or - for stdin")
    return path.open("rb")


def _with_head(stream: BinaryIO) -> tuple[bytes, BinaryIO]:
    """The first HEAD bytes, and a stream that still begins with them."""
    seekable = stream.seekable()
    before = stream.tell() if seekable else 0
    head, ended = b"", False
    while len(head) < HEAD and not ended:
        try:
            piece = stream.read1(HEAD - len(head))
        except DamagedError:
            break  # it will be raised again, when the rows before it are read
        head += piece
        ended = not piece
    if seekable:
        stream.seek(before)
        return head, stream
    if ended:
        return head, io.BytesIO(head)  # a terminal must not be asked for its end twice
    return head, io.BufferedReader(Rejoined(head, stream), HEAD)


class Rejoined(io.RawIOBase):
    """Bytes that were read already, and after them the rest of their stream."""

    def __init__(self, head: bytes, rest: BinaryIO):
        self.head = memoryview(head)
        self.rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        size = len(buffer)
        piece = self.head[:size] if self.head else self.rest.read1(size)
        self.head = self.head[size:]
        buffer[: len(piece)] = piece
        return len(piece)


class _Decompressed(io.RawIOBase):
    """What a decompressor yields; what it complains of is raised as DamagedError."""

    def __init__(self, path: Path, kind: str, stream):
        self.path = path
        self.kind = kind
        self.stream = stream
        # Where zstd's is damaged, what was asked for is lost with it.
        self.size = 512 if kind == "zstd" else HEAD
        self.damage: DamagedError | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        if self.damage:
            raise self.damage
        try:
            piece = self.stream.read1(min(len(buffer), self.size))
        except (EOFError, OSError, zlib.error, lzma.LZMAError) as error:
            self.damage = DamagedError(
                f"{self.path}: its {self.kind} data is damaged or ends early ({error}); "
                "make or fetch it again"
            )
            raise self.damage from error
        buffer[: len(piece)] = piece
        return len(piece)


def _decompressor(kind: str, stream: BinaryIO):
    """Streams joined one after another, as `cat a.gz b.gz` makes them, are read as one."""
    if kind == "zstd":
        import pyarrow as pa

        return pa.CompressedInputStream(stream, "zstd")
    return {"gzip": gzip, "bzip2": bz2, "xz": lzma}[kind].open(stream, "rb")


def _encoding(path: Path, head: bytes) -> str:
    for mark, encoding in BYTE_ORDER_MARKS.items():
        if head.startswith(mark):
            return encoding
    if not head.startswith(PARQUET) and _unmarked_utf16(head):
        raise EmotionSlmError(
            f"{path}: it looks like UTF-16 without a byte-order mark; save it as UTF-8"
        )
    return "utf-8"


def _unmarked_utf16(head: bytes) -> bool:
    """Whether NULs stand as the other half of ASCII characters do in UTF-16: all at even places, or
    all at odd ones, and beside line ends. A stray NUL is a character like any other."""
    even, odd = head[::2].count(0), head[1::2].count(0)
    most, least = max(even, odd), min(even, odd)
    if most > len(head) / 10:
        return least < most / 10
    line_end = b"\n\0" if odd else b"\0\n"
    ends = sum(head[place : place + 2] == line_end for place in range(0, len(head), 2))
    return least == 0 and ends > 1
