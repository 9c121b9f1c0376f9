"""Parquet in and out, in bounded memory, every column with its own type."""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import atomic_path
from emotion_slm.scoring import chunks
from emotion_slm.scoring.chunks import Chunk, Reader, Rejected, check_columns, rejection
from emotion_slm.scoring.formats import encodable
from emotion_slm.scoring.outputs import like
from emotion_slm.scoring.sources import Source

ROW_GROUP = 131_072  # rows
READ_ROWS = 256  # at a time, fewer of long ones; chunks are put together from these

UNREADABLE = (pa.ArrowException, OSError, UnicodeDecodeError)


class ParquetReader:
    """Row groups are read page by page; `schema` is the file's own, `plain` what rows come in.

    A row group that cannot be read to its end is left there, and the next one taken up. With
    `row_group`, rows of that one alone come, under their numbers in the file.
    """

    def __init__(
        self,
        source: Source,
        text_column: str,
        results: Sequence[str],
        row_group: int | None = None,
    ):
        path = source.path
        if not source.direct:
            raise EmotionSlmError(
                f"{path}: Parquet is read from a file, neither a pipe nor compressed as a whole"
            )
        try:
            self.file = pq.ParquetFile(source.stream, page_checksum_verification=True)
            self.schema = self.file.schema_arrow
            self.columns = self.schema.names
        except UNREADABLE as error:
            raise EmotionSlmError(f"{path}: not a readable Parquet file ({error})") from error
        self.rows = self.file.metadata.num_rows
        groups = range(self.file.num_row_groups)
        self.groups = groups if row_group is None else groups[row_group : row_group + 1]
        check_columns(path, self.columns, text_column, results)
        self.text = self.columns.index(text_column)
        self.plain = pa.schema([field.with_type(plain(field.type)) for field in self.schema])
        kind = self.plain.field(self.text).type
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            raise EmotionSlmError(
                f"{path}: column {text_column!r} holds {kind}, not strings; cast it to string"
            )

    def chunks(self) -> Iterator[Chunk]:
        held: list[pa.RecordBatch] = []
        line = self._rows_before(self.groups.start)
        for piece in self._pieces():
            if isinstance(piece, pa.RecordBatch):
                held.append(piece)
                rows = sum(map(len, held))
                if rows < chunks.CHUNK_ROWS and _characters(held) < chunks.CHUNK_CHARACTERS:
                    continue
            if held:
                yield self._chunk(pa.concat_batches(held), line)
                line, held = line + sum(map(len, held)), []
            if isinstance(piece, Rejected):
                line = self.damaged_to
                yield Chunk(1, line, [], [], [piece])
        if held:
            yield self._chunk(pa.concat_batches(held), line)

    def _pieces(self) -> Iterator[pa.RecordBatch | Rejected]:
        """Some rows at a time; in place of those that cannot be read, one rejection."""
        before = self._rows_before(self.groups.start)
        for group in self.groups:
            rows = self.file.metadata.row_group(group).num_rows
            read = 0
            try:
                for batch in self.file.iter_batches(self._at_once(group), row_groups=[group]):
                    yield batch.cast(self.plain)
                    read += len(batch)
            except UNREADABLE as error:
                self.damaged_to = before + rows
                place = f"rows {before + read + 1} to {self.damaged_to} cannot be read"
                yield rejection(before + read + 1, f"{place}: {error}")
            before += rows

    def _rows_before(self, group: int) -> int:
        return sum(self.file.metadata.row_group(place).num_rows for place in range(group))

    def _at_once(self, group: int) -> int:
        """How many rows of a group to read together, by their mean size."""
        metadata = self.file.metadata.row_group(group)
        of_one = max(1, metadata.total_byte_size // max(1, metadata.num_rows))
        limit = min(READ_ROWS, chunks.CHUNK_ROWS, chunks.CHUNK_CHARACTERS // of_one)
        return max(1, limit)

    def _chunk(self, batch: pa.RecordBatch, before: int) -> Chunk:
        texts, rejected = [], []
        for number, value in enumerate(batch.column(self.text), start=before + 1):
            try:
                text = value.as_py()
            except UnicodeDecodeError:
                rejected.append(Rejected(number, "not UTF-8"))
                continue
            if text is None:
                rejected.append(Rejected(number, "the text is null"))
            else:
                texts.append(text)
        rows = batch
        if rejected:
            keep = np.ones(len(batch), dtype=bool)
            keep[[record.line - before - 1 for record in rejected]] = False
            rows = batch.filter(pa.array(keep))
        return Chunk(len(batch), before + len(batch), texts, rows, rejected)


class ParquetWriter:
    """Rows go out as an Arrow IPC stream, which is whole after every batch; Parquet, whose footer
    comes last, is made of it when all are there."""

    def __init__(self, source: Path, reader: Reader, names: Sequence[str]):
        if isinstance(reader, ParquetReader):
            self.schema, self.streamed = reader.schema, reader.plain
        else:
            self.schema = pa.schema(
                [(name, pa.string()) for name in map(encodable, reader.columns)]
            )
            self.streamed = self.schema
        results = [pa.field("labels", pa.list_(pa.string()))]
        results += [pa.field(name, pa.float32()) for name in names]
        for field in results:
            self.schema, self.streamed = self.schema.append(field), self.streamed.append(field)
        self._check(source)

    def header(self) -> bytes:
        return self.streamed.serialize().to_pybytes()

    def encode(self, rows, labels: list[list[str]], probabilities: np.ndarray) -> bytes:
        results = [pa.array(labels, pa.list_(pa.string()))]
        results += [pa.array(column, pa.float32()) for column in probabilities.T]
        batch = pa.RecordBatch.from_arrays([*_columns(rows), *results], schema=self.streamed)
        return batch.serialize().to_pybytes()

    def finish(self, part: Path, output: Path) -> None:
        """Write `output` from the stream in `part`, some row groups in memory at a time."""
        with (
            atomic_path(output) as temporary,
            pa.OSFile(str(part)) as source,
            pa.ipc.open_stream(source) as stream,
        ):
            temporary.touch(mode=0o600)
            like(part.stat(), temporary)
            with pq.ParquetWriter(temporary, self.schema) as writer:
                held: list[pa.RecordBatch] = []
                for batch in stream:
                    held.append(batch)
                    if sum(map(len, held)) >= ROW_GROUP:
                        writer.write_table(self._table(held))
                        held = []
                if held:
                    writer.write_table(self._table(held))
        part.unlink()

    def _check(self, source: Path) -> None:
        """That no type is met only after all the work which cannot be written."""
        try:
            pq.write_table(self._table([]), io.BytesIO())
        except pa.ArrowException as error:
            raise EmotionSlmError(
                f"{source}: a column cannot be written to Parquet ({error}); write csv or jsonl"
            ) from error

    def _table(self, batches: list[pa.RecordBatch]) -> pa.Table:
        return pa.Table.from_batches(batches, self.streamed).cast(self.schema)


def plain(kind: pa.DataType) -> pa.DataType:
    """`kind` without dictionaries, which would be messages of their own in a stream, and without
    views, which pyarrow cannot filter; inside lists, structs and maps too."""
    if pa.types.is_dictionary(kind):
        return plain(kind.value_type)
    if pa.types.is_string_view(kind):
        return pa.string()
    if pa.types.is_binary_view(kind):
        return pa.binary()
    if pa.types.is_map(kind):
        return pa.map_(
            kind.key_field.with_type(plain(kind.key_type)),
            kind.item_field.with_type(plain(kind.item_type)),
            kind.keys_sorted,
        )
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(plain(field.type)) for field in kind])
    for is_kind, make in (
        (pa.types.is_list, pa.list_),
        (pa.types.is_large_list, pa.large_list),
        (pa.types.is_fixed_size_list, lambda field: pa.list_(field, kind.list_size)),
    ):
        if is_kind(kind):
            return make(kind.value_field.with_type(plain(kind.value_type)))
    return kind


def python_rows(batch: pa.RecordBatch) -> Iterator[tuple[Any, ...]]:
    """Rows by the positions of their columns, whose names need not differ."""
    return zip(*(map(_python, column) for column in batch.columns), strict=True)


def _python(value: pa.Scalar) -> Any:
    """A value as Python has it; as text what it has no value for, like dates after 9999."""
    try:
        return value.as_py()
    except (ValueError, OverflowError, KeyError, pa.ArrowException):  # KeyError: a time zone
        pass
    if isinstance(value, pa.StringScalar | pa.LargeStringScalar):  # not UTF-8
        return value.as_buffer().to_pybytes().decode("utf-8", "replace")
    if isinstance(value, pa.MapScalar):
        return [[_python(pair[0]), _python(pair[1])] for pair in value.values]
    if isinstance(value, pa.StructScalar):
        return {field.name: _python(value[place]) for place, field in enumerate(value.type)}
    if isinstance(value, pa.ListScalar | pa.LargeListScalar | pa.FixedSizeListScalar):
        return [_python(inner) for inner in value.values]
    try:
        return value.cast(pa.string()).as_py()
    except pa.ArrowException:
        return str(value.cast(pa.int64()).as_py())  # a time in a zone that nobody knows


def _columns(rows: pa.RecordBatch | list[list[str]]) -> list[pa.Array]:
    if isinstance(rows, pa.RecordBatch):
        return rows.columns
    return [pa.array(map(encodable, column), pa.string()) for column in zip(*rows, strict=True)]


def _characters(batches: list[pa.RecordBatch]) -> int:
    return sum(batch.nbytes for batch in batches)
