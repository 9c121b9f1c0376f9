"""The words that moved a label."""

from pathlib import Path
from typing import Annotated

import typer

from emotion_slm.cli.scoring import ModelOption
from emotion_slm.common import paths
from emotion_slm.common.console import fail, progress
from emotion_slm.common.errors import EmotionSlmError, did_you_mean


def explain(
    file: Annotated[
        Path | None,
        typer.Argument(
            help="A file of texts: csv, tsv, jsonl, parquet, plain lines; - is lines of stdin."
        ),
    ] = None,
    text: Annotated[list[str] | None, typer.Option(help="A text to explain; repeatable.")] = None,
    label: Annotated[
        list[str] | None,
        typer.Option(help="A label to explain; repeatable. Default: those the text is given."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write an HTML page with marked words.")
    ] = None,
    text_column: Annotated[str, typer.Option(help="The column that holds the texts.")] = "text",
    most: Annotated[int, typer.Option("--most", min=1, help="Of a file, so many rows.")] = 100,
    device: Annotated[str | None, typer.Option(help="cpu, cuda or mps.")] = None,
    model: ModelOption = paths.CLASSIFIER,
) -> None:
    """Show which words moved which label, by leaving each word out once."""
    if (file is None) == (not text):
        fail("give either a file or --text TEXT")
    try:
        _check_page(output, file)
        texts = text or _texts(file, text_column, most)
        show_explanations(texts, label or [], model, device, output)
    except EmotionSlmError as error:
        fail(str(error))


def _check_page(output: Path | None, file: Path | None) -> None:
    """EmotionSlmError when no page can be written there, or texts would be lost by it."""
    if output is None:
        return
    if output.is_dir():
        raise EmotionSlmError(f"{output}: is a folder; name the page with -o, as explained.html")
    if file is not None and output.exists() and file.exists() and output.samefile(file):
        raise EmotionSlmError(f"{output}: is the input; give the page another name with -o")


def _texts(file: Path | None, text_column: str, most: int) -> list[str]:
    from itertools import chain, islice

    from emotion_slm.scoring.formats import input_format
    from emotion_slm.scoring.plan import check_exists, naming_file
    from emotion_slm.scoring.readers import open_reader
    from emotion_slm.scoring.sources import once, open_source

    check_exists(file)
    with naming_file(file), open_source(file) as source:
        reader = open_reader(source, input_format(file, None, once(file)), text_column, ())
        found = list(islice(chain.from_iterable(one.texts for one in reader.chunks()), most))
    if not found:
        raise EmotionSlmError(f"{file}: no texts to explain")
    return found


def show_explanations(
    texts: list[str], asked: list[str], model: Path, device: str | None, output: Path | None = None
) -> None:
    """Print each text with its words marked, or write the page."""
    from rich.console import Console

    with progress("loading the model", None):
        from emotion_slm.explain.occlusion import explain as leave_out
        from emotion_slm.explain.screen import screen
        from emotion_slm.scoring.classifier import EmotionClassifier

        classifier = EmotionClassifier.from_pretrained(model, device)
    names = classifier.labels.names
    for name in asked:
        if name not in names:
            raise EmotionSlmError(f"--label {name}: unknown to this model"
                                  f"{did_you_mean(name, names)}")  # fmt: skip
    columns = [names.index(name) for name in asked]
    with progress("explaining", None):
        found = leave_out(texts, classifier)
    if output is None:
        Console(highlight=False).print(screen(found, names, classifier.thresholds, columns))
        return
    from emotion_slm.workbench.explain_page import write_page

    write_page(found, names, classifier.thresholds, columns, output)
    typer.echo(f"{len(found):,} texts → {output}")
