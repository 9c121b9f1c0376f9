"""A described corpus into data/raw: its files, verified byte by byte, in the form of data/raw."""

import errno
import hashlib
import io
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from urllib.parse import urlsplit

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import sha256_file, write_bytes
from emotion_slm.common.paths import CORPORA, RAW_FILES, RAW_SPLITS
from emotion_slm.corpus import tsv
from emotion_slm.corpus.check import check_rows, refuse
from emotion_slm.corpus.description import (
    Description,
    described_at,
    hub_file,
    local_files,
    read_description,
)
from emotion_slm.corpus.download import MAX_BYTES, UnreachableError, download, refusal, words
from emotion_slm.corpus.labels import LabelSet, write_corpus
from emotion_slm.corpus.reading import read_rows
from emotion_slm.corpus.sample import write_sample

SAMPLE_SEED = 20

MOST_ROWS = 100_000  # train has 43,410
MOST_UNPACKED_BYTES = 2**27


class Files(NamedTuple):
    """The files of a corpus, verified, in `folder`; `source`: where they are from."""

    source: str
    folder: Path


def fetch(name: str, folder: Path) -> str:
    """Write corpus `name` in the form of data/raw, and corpus.json, into `folder`.

    Returns the source, and what rows were left out. Nothing is written before all files are there
    and have what they should hold. EmotionSlmError as `files_of`, and for rows that cannot be used.
    """
    description = read_description(name)
    with files_of(name, description) as files:
        paths = [files.folder / file for file in description.in_order]
        said = files.source
        if description.is_normal:
            corpus = description.corpus(name)
            contents = {path.name: path.read_bytes() for path in paths}
        else:
            reading = read_rows(name, description, folder=files.folder)
            refuse(check_rows(reading, description))
            complete = description.with_names(reading.names, described_at(name))
            hashes = {file: sha256_file(files.folder / file) for file in description.in_order}
            corpus = replace(complete.corpus(name), files=hashes)
            contents = {
                file: tsv.render(reading.frame[reading.frame["official_split"] == split], corpus)
                for split, file in zip(RAW_SPLITS, RAW_FILES, strict=True)
            }
            said += "".join(
                f"; left out: {n:,} rows ({reason})" for reason, n in reading.dropped.items()
            )
    tsv.write_together(folder, contents)
    write_corpus(folder, corpus)
    return said


@contextmanager
def files_of(name: str, description: Description) -> Iterator[Files]:
    """The files of corpus `name` as they are, for the length of the block.

    They lie beside the description unless it names a source. Then they come from the folder that
    the environment variable NAME_MIRROR names and nowhere else if it is set, else from a folder if
    it is there, the hub, the web. EmotionSlmError when a file has not the SHA-256 that the
    description pins, when a mirror lacks one, or when no source can be reached.
    """
    local = local_files(name, description)
    with TemporaryDirectory() as temporary:
        if description.made_from:
            material = local[description.made_from]
            write_sample(material, description.corpus(name), Path(temporary), SAMPLE_SEED)
            yield Files(str(material), Path(temporary))
        elif local:
            folder = CORPORA / name
            for file in description.in_order:
                if file in description.sha256 and (folder / file).exists():
                    _verified(str(folder), description, file, (folder / file).read_bytes())
            yield Files(", ".join(map(str, local.values())), folder)
        else:
            source, contents = _from_sources(name, description)
            for file, content in contents.items():
                write_bytes(Path(temporary) / file, content)
            yield Files(source, Path(temporary))


def _from_sources(name: str, description: Description) -> tuple[str, dict[str, bytes]]:
    """The first source that has all files, and their content."""
    files = description.in_order
    failures: list[str] = []
    for source, read in _sources(name, description, failures):
        try:
            return source, {
                file: _verified(source, description, file, read(file)) for file in files
            }
        except UnreachableError as error:
            failures.append(f"{source}: {error}")
    raise EmotionSlmError(
        "\n".join(
            [
                f"{description.title or name} could not be fetched. Tried:",
                *(f"  {failure}" for failure in failures),
                f"Ways on: set {mirror_variable(name)} to a folder that holds {', '.join(files)}; "
                "try again with a network; or choose profile `sample`",
            ]
        )
    )


def mirror_variable(name: str) -> str:
    """The environment variable that names a folder with the files of corpus `name`."""
    return f"{name.upper().replace('-', '_')}_MIRROR"


def mirror(folder: Path, files: Sequence[str], name: str) -> bytes:
    """File `name` of a local folder; EmotionSlmError when it cannot be read."""
    path = folder / name
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):  # a pipe or device might never end
            raise OSError(errno.EINVAL, "not a regular file")
        if found.st_size > MAX_BYTES:
            raise OSError(errno.EFBIG, f"larger than {MAX_BYTES} bytes")
        return path.read_bytes()
    except OSError as error:
        raise EmotionSlmError(
            f"{path}: not readable ({error.strerror}); the folder should hold {', '.join(files)}; "
            "add the file, or name another folder"
        ) from error


def hugging_face(description: Description, name: str) -> bytes:
    """File `name` of a data set on the hub, which names the SHA-256 that it is held to.

    One in the form of data/raw is written back from the Parquet file of its split, and has its own
    SHA-256, pinned by the description. UnreachableError when the hub cannot be reached,
    EmotionSlmError when the table is not right.
    """
    if not description.is_normal:
        return download(_hub_url(description, name))
    role = next(role for role, file in description.by_role.items() if file == name)
    parquet = hub_file(description.config, role)
    content = download(_hub_url(description, parquet))
    try:
        corpus = description.corpus("")
        return tsv.render(_frame(content, corpus.labels), corpus)
    except Exception as error:  # a damaged file makes pyarrow raise errors of many kinds
        reason = words(str(error))
        raise refusal("Hugging Face", parquet, f"unreadable ({reason})") from error


def _hub_url(description: Description, file: str) -> str:
    # The hub's own downloader retries for half a minute per file before it says it is offline.
    from huggingface_hub import hf_hub_url

    return hf_hub_url(description.hub, file, repo_type="dataset", revision=description.revision)


def _frame(content: bytes, labels: LabelSet):
    """Columns `id, text, labels` of a Parquet file; ValueError for one of another size."""
    import pyarrow.parquet as pq

    file = pq.ParquetFile(io.BytesIO(content))
    groups = (file.metadata.row_group(index) for index in range(file.metadata.num_row_groups))
    unpacked = sum(group.total_byte_size for group in groups)
    if file.metadata.num_rows > MOST_ROWS or unpacked > MOST_UNPACKED_BYTES:
        raise ValueError(f"{file.metadata.num_rows} rows in {unpacked} bytes")
    frame = file.read(columns=["id", "text", "labels"]).to_pandas()
    frame["labels"] = [[labels.names[place] for place in row] for row in frame["labels"]]
    return frame


def web(folder: str, name: str) -> bytes:
    """File `name` of a folder on the web; UnreachableError without an answer."""
    return download(f"{folder}/{name}")


def _sources(
    name: str, description: Description, failures: list[str]
) -> list[tuple[str, Callable[[str], bytes]]]:
    """(description, reader of a file by name) in order; local folders that are not there fail."""
    variable, sources = mirror_variable(name), description.sources
    files = description.in_order
    named = os.environ.get(variable)
    if named:
        return [(f"{variable}={named}", partial(mirror, Path(named), files))]
    failures.append(f"{variable}: not set")
    if sources.folder and Path(sources.folder).exists():
        return [(sources.folder, partial(mirror, Path(sources.folder), files))]
    if sources.folder:
        failures.append(f"{sources.folder}: no such folder")
    found = []
    if description.hub:
        found.append(("Hugging Face", partial(hugging_face, description)))
    if sources.url:
        host = urlsplit(sources.url).hostname
        found.append((str(host), partial(web, sources.url)))
    return found


def _verified(source: str, description: Description, name: str, content: bytes) -> bytes:
    found = hashlib.sha256(content).hexdigest()
    pinned = description.sha256.get(name, found)
    if found != pinned:
        what = f"{len(content)} bytes with SHA-256 {found}, expected {pinned}"
        raise refusal(source, name, what)
    return content
