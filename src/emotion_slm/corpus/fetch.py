"""A corpus from the first source that has it, verified byte by byte; or the sample corpus."""

import errno
import hashlib
import io
import os
import stat
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.paths import CORPORA
from emotion_slm.corpus import tsv
from emotion_slm.corpus.description import Description, read_description
from emotion_slm.corpus.download import MAX_BYTES, UnreachableError, download, refusal, words
from emotion_slm.corpus.labels import LabelSet, write_corpus
from emotion_slm.corpus.sample import write_sample

SAMPLE_SEED = 20

MOST_ROWS = 100_000  # train has 43,410
MOST_UNPACKED_BYTES = 2**27


def fetch(name: str, folder: Path) -> str:
    """Write the files of corpus `name` and its corpus.json into `folder`; return their source.

    They come from the folder that the environment variable NAME_MIRROR names and nowhere else if it
    is set, else from the sources of the description: a folder if it is there, the hub, the web.
    Nothing is written before all files have their pinned SHA-256. EmotionSlmError when a file
    differs from it, when a mirror lacks one, or when no source can be reached.
    """
    description = read_description(name)
    corpus = description.corpus(name)
    if description.made_from:
        material = CORPORA / name / description.made_from
        write_sample(material, corpus.labels, folder, SAMPLE_SEED)
        write_corpus(folder, corpus)
        return str(material)
    files = description.in_order
    failures: list[str] = []
    for source, read in _sources(name, description, failures):
        try:
            contents = {file: _verified(source, description, file, read(file)) for file in files}
        except UnreachableError as error:
            failures.append(f"{source}: {error}")
            continue
        tsv.write_together(folder, contents)
        write_corpus(folder, corpus)
        return source
    raise EmotionSlmError(
        "\n".join(
            [
                f"{description.title} could not be fetched. Tried:",
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
    """File `name`, written back from the Parquet file of its split on the hub.

    The hub names the SHA-256 of the file, which is verified before it is decoded; what is decoded
    has its own, pinned by the description. UnreachableError when the hub cannot be reached,
    EmotionSlmError when the table is not right.
    """
    from huggingface_hub import hf_hub_url

    sources, labels = description.sources, description.label_set
    role = next(role for role, file in description.files.items() if file == name)
    parquet = f"{sources.config}/{role}-00000-of-00001.parquet"
    # The hub's own downloader retries for half a minute per file before it says it is offline.
    url = hf_hub_url(sources.hub, parquet, repo_type="dataset", revision=sources.revision)
    content = download(url)
    try:
        return tsv.render(_frame(content, labels), labels)
    except Exception as error:  # a damaged file makes pyarrow raise errors of many kinds
        reason = words(str(error))
        raise refusal("Hugging Face", parquet, f"unreadable ({reason})") from error


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
    if sources.hub:
        found.append(("Hugging Face", partial(hugging_face, description)))
    if sources.url:
        host = urlsplit(sources.url).hostname
        found.append((str(host), partial(web, sources.url)))
    return found


def _verified(source: str, description: Description, name: str, content: bytes) -> bytes:
    found, pinned = hashlib.sha256(content).hexdigest(), description.sha256[name]
    if found != pinned:
        what = f"{len(content)} bytes with SHA-256 {found}, expected {pinned}"
        raise refusal(source, name, what)
    return content
