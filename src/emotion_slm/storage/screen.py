"""Disk use as tables on the terminal."""

from itertools import groupby

from rich.console import Group
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from emotion_slm.storage.usage import Usage


def screen(usage: Usage) -> Group:
    """Outputs by stage with their sums, then the other places."""
    outputs = Table("stage", "output", title="Outputs of dvc.lock", title_justify="left")
    for name in ("size", "here", "of it linked", "in the cache"):
        outputs.add_column(name, justify="right", no_wrap=True)
    for stage, found in groupby(usage.outputs, key=lambda output: output.stage):
        for output in found:
            numbers = (output.locked, output.here, output.linked, output.cached)
            outputs.add_row(stage, Text(str(output.path), overflow="fold"), *map(bytes_of, numbers))
            stage = ""
    sums = zip(*((o.locked, o.here, o.linked, o.cached) for o in usage.outputs), strict=True)
    outputs.add_section()
    outputs.add_row("all", "", *(bytes_of(sum(numbers)) for numbers in sums))
    places = Table("place", title="Besides", title_justify="left")
    places.add_column("size", justify="right", no_wrap=True)
    places.add_column("")
    for place in usage.places:
        places.add_row(Text(str(place.path), overflow="fold"), bytes_of(place.size), place.what)
    return Group(outputs, places)


def bytes_of(number: int) -> str:
    """In powers of ten, as disks are sold; nothing as a dash."""
    return decimal(number) if number else "–"
