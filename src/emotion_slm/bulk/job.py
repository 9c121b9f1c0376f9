"""A run settled before anything is opened: its files, formats, model and options."""

from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

from emotion_slm.bulk.inputs import check_apart, find_inputs
from emotion_slm.bulk.storage import locate
from emotion_slm.bulk.units import Job
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import sha256_file
from emotion_slm.package.config import CONFIG
from emotion_slm.package.package import read_labels
from emotion_slm.scoring.formats import Format, input_format
from emotion_slm.scoring.label_groups import known_label_groups
from emotion_slm.scoring.plan import Options, check_layout, check_options


def prepare(
    given: Sequence[str], output: str, options: Options, model: Path, device: str | None
) -> tuple[list[str], int, Job]:
    """The files to score, how many others lie beside them, and what their units have in common.

    EmotionSlmError for what is wrong with the names alone, the options or the model's folder.
    """
    check_options(options)
    groups = known_label_groups(options.labels, read_labels(model))
    out = locate(output.rstrip("/") or "/")
    found = find_inputs(given, any_suffix=options.format is not None)
    check_apart(given, found, out)
    reading = _one_format(found.uris, options)
    job = Job(
        output=out.uri,
        options=options,
        reading=reading,
        writing=_output_format(reading, options),
        results=("labels", *groups.names),
        model=str(model.resolve()),
        digest=sha256_file(model / CONFIG),
        device=device,
        run=uuid4().hex[:12],
    )
    return found.uris, found.skipped, job


def _one_format(uris: Sequence[str], options: Options) -> Format:
    formats: dict[Format, str] = {}
    for uri in uris:
        path = Path(uri.rsplit("/", 1)[-1])
        formats.setdefault(input_format(path, options.format), uri)
    if len(formats) > 1:
        named = " and ".join(f"{uri} ({form})" for form, uri in formats.items())
        raise EmotionSlmError(f"files of different formats: {named}; score them one by one")
    (reading,) = formats
    check_layout(Path(uris[0]), reading, options)
    return reading


def _output_format(reading: Format, options: Options) -> Format:
    if reading is Format.JSONL and options.format not in (None, Format.JSONL):
        raise EmotionSlmError(
            f"--format {options.format}: of many JSONL files jsonl comes out, as each row may have "
            "keys of its own"
        )
    chosen = options.format or reading
    return Format.CSV if chosen is Format.LINES else chosen
