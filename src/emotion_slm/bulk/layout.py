"""What lies in an output folder: parts, records of units, rejected rows, the manifest.

What is no data begins with an underscore, which Spark, Arrow and this program pass over.
"""

import hashlib
import json
import re
from typing import Any, NamedTuple

from emotion_slm.bulk import units
from emotion_slm.bulk.storage import Place, put_bytes, read
from emotion_slm.bulk.units import NAME_CHARACTERS, UNIT_FORMAT, Input, Job, Plan, Range
from emotion_slm.common.errors import EmotionSlmError

PART, RECORDS, REJECTED, INPUTS = "part-", "_units/", "_rejected/", "_inputs/"
MANIFEST = "_MANIFEST.json"
AGAIN = "delete it and run the command again"
# What units write; Spark calls its own files part-… too, and they are somebody's data.
OWN = re.compile(
    rf"({PART}|{RECORDS}|{REJECTED})(?P<unit>[0-9a-f]{{{NAME_CHARACTERS}}})\.(csv|tsv|jsonl|parquet|json)"
)


class Record(NamedTuple):
    """What became of a unit: its input and range, rows in, scored and rejected, texts that the
    model reads in part only, the size and SHA-256 of its output.

    It is written last: where it stands, the unit is done.
    """

    name: str
    input: str
    start: int
    stop: int | None
    rows: int
    scored: int
    rejected: int
    truncated: int
    bytes: int
    sha256: str


def part_name(name: str, job: Job) -> str:
    return f"{PART}{name}.{job.writing}"


def record_name(name: str) -> str:
    return f"{RECORDS}{name}.json"


def rejected_name(name: str) -> str:
    return f"{REJECTED}{name}.jsonl"


def unit_of(file: str) -> str | None:
    """The unit that a file of the folder belongs to, by its name; None for all that is of none."""
    found = OWN.fullmatch(file)
    return found["unit"] if found else None


def to_json(content: object) -> bytes:
    return (json.dumps(content, indent=2, sort_keys=True) + "\n").encode()


def read_record(out: Place, name: str) -> Record:
    place = out / record_name(name)
    content = _object(place)
    try:
        record = Record(**content)
    except TypeError as error:
        raise EmotionSlmError(f"{place.uri}: no record of a unit; {AGAIN}") from error
    if record.name != name:
        raise EmotionSlmError(f"{place.uri}: is that of {record.name}; {AGAIN}")
    return record


def write_record(out: Place, record: Record) -> None:
    put_bytes(to_json(record._asdict()), out / record_name(record.name))


def read_manifest(out: Place) -> dict[str, Any]:
    return _object(out / MANIFEST)


def manifest(records: list[Record], job: Job) -> dict[str, Any]:
    """What the folder holds: the same whoever scored it, in whatever order."""
    totals = {
        field: sum(getattr(record, field) for record in records)
        for field in ("rows", "scored", "rejected", "truncated")
    }
    units = sorted((record._asdict() for record in records), key=lambda unit: unit["name"])
    return {**totals, **job.identity(), "units": units}


def _object(place: Place) -> dict[str, Any]:
    try:
        content = json.loads(read(place))
    except ValueError as error:
        raise EmotionSlmError(f"{place.uri}: not valid JSON; {AGAIN}") from error
    if not isinstance(content, dict):
        raise EmotionSlmError(f"{place.uri}: not a JSON object; {AGAIN}")
    return content


def cached_plan(out: Place, uri: str, job: Job) -> Plan | None:
    """How `uri` was cut when it was last looked at; None when nobody has, or that is damaged."""
    try:
        content = _object(out / _plan_name(uri, job))
        source = {**content["input"], "head": content["input"]["head"].encode("latin-1")}
        return Plan(Input(**source), [Range(*part) for part in content["ranges"]])
    except (EmotionSlmError, KeyError, TypeError, ValueError):
        return None


def cache_plan(out: Place, plan: Plan, job: Job) -> None:
    source = {**plan.input._asdict(), "head": plan.input.head.decode("latin-1")}
    content = {"input": source, "ranges": plan.ranges}
    put_bytes(to_json(content), out / _plan_name(plan.input.uri, job))


def _plan_name(uri: str, job: Job) -> str:
    """What the cuts depend on, the model not among it."""
    options = job.options
    reading = [options.text_column, options.header, options.quoting, job.reading, job.writing]
    key = json.dumps([uri, *reading, job.results, UNIT_FORMAT, units.UNIT_ROWS])
    return f"{INPUTS}{hashlib.sha256(key.encode()).hexdigest()[:NAME_CHARACTERS]}.json"
