"""What runs workers, on one machine or many: items in, what became of each out."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

# A unit that has taken so many workers with it, of the memory it needs maybe, is left.
ATTEMPTS = 5


class Outcome(NamedTuple):
    """An item, and what the worker's task made of it, or a `worker.Failure`."""

    item: Any
    result: Any


class Pool(Protocol):
    """Workers, ready in a `with` block; one that dies is replaced, and its item done again."""

    workers: int

    def run(self, task: str, items: Sequence[Any]) -> Iterator[Outcome]:
        """Outcomes of all items, as they come."""

    def end(self) -> None:
        """End the workers, amid their items too, so that none writes any more; `run` starts others.

        A machine out of reach may not hear of it for a while.
        """


def lost(attempts: int) -> str | None:
    """Why an item is left whose worker died for the `attempts`-th time; None if it is not."""
    if attempts < ATTEMPTS:
        return None
    return f"the process that worked on it died {attempts} times; is there enough memory?"
