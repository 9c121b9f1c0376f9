"""Lines of text in bounded memory, whatever comes; what is wrong with one stands in it."""

from collections import deque
from io import TextIOWrapper

from emotion_slm.scoring.sources import MALFORMED, Source

LINE_CHARACTERS = 1 << 24
TOO_LONG = "\udcfe\n"  # stands for a line above that; no text decodes to it


class Lines:
    """An iterator over the lines of a source, each with its end.

    `number` is that of the line last given. `held` are the lines given since `begin`, so that a
    row of several lines can be looked at again, and `characters` how many they have.
    """

    def __init__(self, source: Source, newline: str, number: int = 0):
        """`newline` as in `open`: "\\n" alone ends a line, or, with "", any line end does.

        `number`: how many lines of the file lie before those of `source`.
        """
        self.stream = TextIOWrapper(
            source.stream, source.encoding, errors="malformed", newline=newline
        )
        self.encoding = source.encoding.removesuffix("-sig").upper()
        self.ahead: deque[str] = deque()
        self.held: list[str] = []
        self.characters = 0
        self.number = number

    def __iter__(self) -> "Lines":
        return self

    def __next__(self) -> str:
        line = self.ahead.popleft() if self.ahead else self._read()
        if not line:
            raise StopIteration
        self.number += 1
        self.held.append(line)
        self.characters += len(line)
        return line

    def begin(self) -> int:
        """Forget the lines held; the number of the next one."""
        self.held, self.characters = [], 0
        return self.number + 1

    def peek(self, count: int) -> list[str]:
        """The next `count` lines, or as many as there are; they are still to come."""
        while len(self.ahead) < count and (line := self._read()):
            self.ahead.append(line)
        return list(self.ahead)[:count]

    def flaw(self, text: str) -> str | None:
        """What is wrong with a line or a part of it, if anything."""
        if text.isascii():
            return None
        if TOO_LONG[0] in text:
            return f"a line above {LINE_CHARACTERS:,} characters"
        return f"not {self.encoding}" if MALFORMED in text else None

    def _read(self) -> str:
        line = self.stream.readline(LINE_CHARACTERS)
        if len(line) < LINE_CHARACTERS or line.endswith(("\n", "\r")):
            return line
        while (rest := self.stream.readline(LINE_CHARACTERS)) and not rest.endswith(("\n", "\r")):
            pass
        return TOO_LONG
