"""Files as they are read here: how each is cut, and the reader of a unit."""

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager

from emotion_slm.bulk.ranges import (
    MARK,
    Bytes,
    CountedLines,
    Cuts,
    buffered,
    cut_delimited,
    cut_lines,
)
from emotion_slm.bulk.storage import Place, locate, naming, stamp
from emotion_slm.bulk.units import Input, Job, Plan, Range, Unit
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.scoring.chunks import Reader
from emotion_slm.scoring.delimited import CsvReader
from emotion_slm.scoring.formats import DELIMITERS, Format, Quoting, encodable
from emotion_slm.scoring.parquet import ParquetReader
from emotion_slm.scoring.readers import LinesReader, open_reader
from emotion_slm.scoring.sources import PARQUET, Rejoined, Source, recognized
from emotion_slm.scoring.writers import create_writer

UTF8 = ("utf-8", "utf-8-sig")


def plan_file(uri: str, job: Job) -> Plan:
    """Look at a file: what identifies it, how its columns are called, where it can be cut.

    Of a local file, and where the store gives no ETag, all bytes are read for the hash; of CSV,
    TSV, JSONL and plain lines once more for the cuts; of Parquet the footer. EmotionSlmError for
    what cannot be scored: no such column, another format, a column called as a result, or one that
    the outputs cannot hold.
    """
    place = locate(uri)
    before, etag = stamp(place)
    with naming(uri), place.filesystem.open_input_file(place.path) as file:
        if job.reading is Format.PARQUET:
            layout, cuts = _row_groups(uri, file, job)
        else:
            layout, cuts = _text(uri, file, job)
        content = etag or _sha256(file)
    if stamp(place)[0] != before:
        raise EmotionSlmError(f"{uri}: is being written; wait until it is whole")
    return Plan(Input(uri, content, before, layout, cuts.head, cuts.head_lines), cuts.ranges)


def _row_groups(uri: str, file, job: Job) -> tuple[str, Cuts]:
    reader = _reader(Source(uri, file, b"", "utf-8", True), job)
    assert isinstance(reader, ParquetReader)
    _check_writable(uri, reader, job)
    metadata = reader.file.metadata
    ranges, row = [], 1
    for group in range(metadata.num_row_groups):
        rows = metadata.row_group(group).num_rows
        if rows:
            ranges.append(Range(group, group + 1, row, rows))
        row += rows
    layout = ", ".join(f"{field.name}: {field.type}" for field in reader.schema)
    return layout, Cuts(ranges, b"", 0)


def _text(uri: str, file, job: Job) -> tuple[str, Cuts]:
    source = recognized(uri, buffered(Bytes(file)))
    if source.head.startswith(PARQUET):
        raise EmotionSlmError(f"{uri}: it holds Parquet, not {job.reading}; name it so")
    options = job.options
    delimited = job.reading in (Format.CSV, Format.TSV)
    whole = not (source.direct and source.encoding in UTF8)
    if delimited and not whole:
        lines = CountedLines(source)
        delimiters = "\t" if job.reading is Format.TSV else DELIMITERS
        column, header, quoting = options.text_column, options.header, options.quoting
        reader = CsvReader(uri, lines, column, job.results, delimiters, header, quoting)
        if any(encodable(name) != name for name in reader.columns):  # bytes that are no UTF-8
            raise EmotionSlmError(
                f"{uri}: its first row is not UTF-8; save it as UTF-8, a row a line"
            )
        _check_writable(uri, reader, job)
        layout = _named(reader)
        cuts = cut_delimited(reader, lines, file.size(), header)
        if header and cuts.ranges:
            head = buffered(Bytes(file, 0, cuts.ranges[0].start)).read()
            cuts = cuts._replace(head=head)
        return layout, cuts
    reader = _reader(source, job)
    _check_writable(uri, reader, job)
    layout = _named(reader) if isinstance(reader, CsvReader) else ""
    if whole:
        return layout, Cuts([Range(0, None, 1, None)], b"", 0)
    blank_rows = isinstance(reader, LinesReader)
    return layout, cut_lines(buffered(Bytes(file)), file.size(), blank_rows)


def _check_writable(uri: str, reader: Reader, job: Job) -> None:
    """EmotionSlmError for columns that the format of the outputs cannot hold."""
    create_writer(uri, job.writing, reader, job.results[1:])


def _named(reader: CsvReader) -> str:
    return reader.delimiter.join(reader.columns)


def _sha256(file) -> str:
    return hashlib.file_digest(buffered(Bytes(file)), "sha256").hexdigest()


def _reader(source: Source, job: Job, **part) -> Reader:
    options = job.options
    return open_reader(
        source,
        job.reading,
        options.text_column,
        job.results,
        **{"header": options.header, "quoting": options.quoting} | part,
    )


@contextmanager
def open_unit(unit: Unit, job: Job) -> Iterator[Reader]:
    """The reader of a unit's rows alone, which know their lines in the file."""
    uri, part, place = unit.input.uri, unit.range, locate(unit.input.uri)
    with place.filesystem.open_input_file(place.path) as file:
        if job.reading is Format.PARQUET:
            source = Source(uri, file, b"", "utf-8", True)
            yield _reader(source, job, row_group=part.start)
        elif part.stop is None:
            yield _reader(recognized(uri, buffered(Bytes(file))), job)
        else:
            source = _joined(unit, buffered(Bytes(file, part.start, part.stop)))
            before = part.line - 1 - unit.input.head_lines
            yield _reader(source, job, header=True, lines_before=before)


def _joined(unit: Unit, rest: io.BufferedReader) -> Source:
    """The bytes of a range upon those that name the columns."""
    head = unit.input.head
    marked = (head or rest.peek(len(MARK))).startswith(MARK)
    stream = io.BufferedReader(Rejoined(head, rest)) if head else rest
    return Source(unit.input.uri, stream, b"", UTF8[marked], True)


@contextmanager
def open_output(part: Place, job: Job) -> Iterator[Reader]:
    """The reader of a unit's output."""
    quoting = job.options.quoting if job.reading in (Format.CSV, Format.TSV) else Quoting.DOUBLE
    with naming(part.uri), part.filesystem.open_input_file(part.path) as file:
        if job.writing is Format.PARQUET:
            source = Source(part.uri, file, b"", "utf-8", True)
        else:
            source = Source(part.uri, buffered(Bytes(file)), b"", "utf-8", True)
        column = job.options.text_column
        yield open_reader(source, job.writing, column, (), quoting=quoting)
