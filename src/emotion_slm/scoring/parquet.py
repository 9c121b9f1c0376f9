"""Parquet in and out, in bounded memory, every column with its own type."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import atomic_path
from emotion_slm.scoring import chunks
from emotion_slm.scoring.chunks import Chunk, Reader, Rejected, check_columns
from emotion_slm.scoring.formats import encodable

ROW_GROUP = 131_072  # rows


class ParquetReader:
    """Row groups are read page by page; `schema` is the file's own."""

    def __init__(self, source: Path, stream: BinaryIO, text_column: str, results: Sequence[str]):
        if not stream.seekable():
            raise EmotionSlmError(f"{source}: Parquet is read from a file, not from a pipe")
        try:
            self.file = pq.ParquetFile(stream)
        except pa.ArrowInvalid as error:
            raise EmotionSlmError(f"{source}: not a readable Parquet file ({error})") from error
        self.rows = self.file.metadata.num_rows
        self.schema = self.file.schema_arrow
        self.columns = self.schema.names
        check_columns(source, self.columns, text_column, results)
        self.text = self.columns.index(text_column)
        kind = _plain(self.schema.field(self.text).type)
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            raise EmotionSlmError(f"{source}: column {text_column!r} holds {kind}, not strings")

    def chunks(self) -> Iterator[Chunk]:
        line = 0
        for batch in self.file.iter_batches(chunks.CHUNK_ROWS):
            yield self._chunk(batch, line)
            line += len(batch)

    def _chunk(self, batch: pa.RecordBatch, before: int) -> Chunk:
        texts, rejected = [], []
        column = batch.column(self.text)
        for number, value in enumerate(column, start=before + 1):
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

    def __init__(self, reader: Reader, names: Sequence[str]):
        original = getattr(reader, "schema", None)
        if original is None:
            original = pa.schema([(name, pa.string()) for name in reader.columns])
        self.names = names
        self.schema = original.append(pa.field("labels", pa.list_(pa.string())))
        for name in names:
            self.schema = self.schema.append(pa.field(name, pa.float32()))
        # Dictionaries would be messages of their own in the stream: there, their values.
        self.streamed = pa.schema([field.with_type(_plain(field.type)) for field in self.schema])

    def header(self) -> bytes:
        return self.streamed.serialize().to_pybytes()

    def encode(self, rows, labels: list[list[str]], probabilities: np.ndarray) -> bytes:
        results = [pa.array(labels, pa.list_(pa.string()))]
        results += [pa.array(column, pa.float32()) for column in probabilities.T]
        columns = [*_columns(rows), *results]
        arrays = [
            column.cast(field.type) if column.type != field.type else column
            for column, field in zip(columns, self.streamed, strict=True)
        ]
        batch = pa.RecordBatch.from_arrays(arrays, schema=self.streamed)
        return batch.serialize().to_pybytes()

    def finish(self, part: Path, output: Path) -> None:
        """Write `output` from the stream in `part`, some row groups in memory at a time."""
        with (
            atomic_path(output) as temporary,
            pa.OSFile(str(part)) as source,
            pa.ipc.open_stream(source) as stream,
            pq.ParquetWriter(temporary, self.schema) as writer,
        ):
            held: list[pa.RecordBatch] = []
            for batch in stream:
                held.append(batch)
                if sum(map(len, held)) >= ROW_GROUP:
                    writer.write_table(self._table(held))
                    held = []
            if held:
                writer.write_table(self._table(held))
        part.unlink()

    def _table(self, batches: list[pa.RecordBatch]) -> pa.Table:
        return pa.Table.from_batches(batches, self.streamed).cast(self.schema)


def _columns(rows: pa.RecordBatch | list[list[str]]) -> list[pa.Array]:
    if isinstance(rows, pa.RecordBatch):
        return rows.columns
    return [pa.array(map(encodable, column), pa.string()) for column in zip(*rows, strict=True)]


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind
