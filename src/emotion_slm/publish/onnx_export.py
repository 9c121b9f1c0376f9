"""A package as an ONNX graph: scored by ONNX Runtime, without the pinned base and its loading."""

import logging
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from scipy.special import expit
from torch import nn

from emotion_slm.common.errors import EmotionSlmError, writing
from emotion_slm.common.files import write_bytes
from emotion_slm.encoder.text_classifier import TextClassifier
from emotion_slm.package.card import model_card
from emotion_slm.package.config import (
    CARD,
    CLASSIFIER,
    ENCODER,
    MOST_BYTES,
    ONNX,
    RESULTS,
    WEIGHTS,
    Precision,
    package_file,
    read_config,
)
from emotion_slm.package.contents import check_contents
from emotion_slm.package.models import load_models
from emotion_slm.package.package import Package, read_package, write_config
from emotion_slm.package.public import public
from emotion_slm.publish.int8 import quantise
from emotion_slm.scoring.classifier import EmotionClassifier
from emotion_slm.scoring.onnx_graph import OnnxGraph

NOTES = ("doc_string", "metadata_props")  # of models, graphs, nodes, functions and values
OPSET = 20  # the first with GELU as one operator
TOLERANCE = 1e-3  # of raw sigmoids
# Texts × tokens on which graph and model are compared, tokens as far as the model reads.
TRIED = ((1, 1), (1, 9), (3, 2), (4, 17), (2, 128))


class Compared(NamedTuple):
    """Of how many texts how many get other labels, and how many none, before and now."""

    texts: int
    other: int
    none_before: int
    none: int


class Scores(nn.Module):
    """Encoder and classifier as one model."""

    def __init__(self, encoder: TextClassifier, classifier: nn.Module):
        super().__init__()
        self.encoder = encoder
        self.classifier = classifier

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Token ids and mask, (n, tokens) int64 → (n, labels) float32 raw logits."""
        return self.classifier(vectors=self.encoder.encode(input_ids, attention_mask))["logits"]


def export_onnx(package: Package, folder: Path, precision: Precision) -> Package:
    """Write the package into the new `folder` with a graph, `model.onnx`, in place of its weights.

    `int8` rounds the weights of matrix products by output column and their inputs by token.
    The float32 graph is compared with the model before anything is written, and no file names a
    folder of this machine. Raises EmotionSlmError without the extra `onnx`, when `folder` is not
    empty, for a package that could not be scored, for 4-bit weights, for a model above two
    gigabytes, and for an architecture that torch cannot export or exports wrongly.
    """
    if folder.exists() and any(folder.iterdir()):
        raise EmotionSlmError(f"{folder}: not empty; name a new folder")
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise EmotionSlmError(
            f"{error.name} is not installed, which exports; "
            'in a clone of emotion-slm: pip install -e ".[train,onnx]"'
        ) from error
    check_contents(package)
    replaced = {ENCODER, CLASSIFIER, WEIGHTS}
    names = [name for name in read_config(package.folder).files if name not in replaced]
    exported = public(package)._replace(onnx=precision)
    # Older packages have no results, of which the card is made.
    card = model_card(exported, folder.name) if RESULTS in names else None
    model = _load(package)
    unfinished = folder.with_name(f".{folder.name}.part")
    with tempfile.TemporaryDirectory() as scratch:
        graph = Path(scratch) / "float32.onnx"
        write_graph(model, graph)
        _compare(model, OnnxGraph(graph), package)
        if precision == "int8":
            graph = quantise(graph, Path(scratch) / "int8.onnx")
        with writing(folder):
            shutil.rmtree(unfinished, ignore_errors=True)  # of an export that failed
            unfinished.mkdir(parents=True)
            shutil.copyfile(graph, unfinished / ONNX)
            for name in names:
                shutil.copyfile(package_file(package.folder, name), unfinished / name)
            if card:
                write_bytes(unfinished / CARD, card.encode())
            write_config(exported._replace(folder=unfinished), [ONNX, *names])
            unfinished.replace(folder)
    return read_package(folder)


def compare_labels(before: Path, after: Path, texts: list[str]) -> Compared:
    """Score `texts` by the models of two folders, at the thresholds of each."""
    first, second = (
        model.given(model.probabilities(texts))
        for model in map(EmotionClassifier.from_pretrained, (before, after))
    )
    return Compared(
        texts=len(texts),
        other=int((first != second).any(axis=1).sum()),
        none_before=int((~first.any(axis=1)).sum()),
        none=int((~second.any(axis=1)).sum()),
    )


def write_graph(model: nn.Module, path: Path) -> None:
    """Write `model`, of `input_ids` and `attention_mask` of any (n, tokens), as an ONNX file."""
    dynamic = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}
    # Two tensors: one given twice would be one input of the graph.
    token_ids, mask = (torch.ones((2, 8), dtype=torch.long) for _ in range(2))
    with _quiet():
        try:
            program = torch.onnx.export(
                model,
                (token_ids, mask),
                dynamo=True,
                input_names=["input_ids", "attention_mask"],
                dynamic_shapes=(dynamic, dynamic),
                opset_version=OPSET,
                verbose=False,
            )
        except torch.onnx.OnnxExporterError as error:
            reason = str(error.__cause__ or error).strip().splitlines()[0]
            raise EmotionSlmError(
                f"torch {torch.__version__} cannot export {type(model).__name__} to ONNX "
                f"({reason}); score with the package itself"
            ) from error
        program.save(path, external_data=False)
    _strip(path)


def _strip(path: Path) -> None:
    """Take out of an ONNX file what its exporter noted of the source code, paths included."""
    import onnx

    graph = onnx.load(path)
    _strip_message(graph)
    onnx.save(graph, path)


def _strip_message(message: Any) -> None:
    """Clear the notes of a protobuf message and of those inside it, wherever they stand."""
    for field, value in message.ListFields():
        if field.name in NOTES:
            message.ClearField(field.name)
        elif field.type == field.TYPE_MESSAGE:
            for inner in value if field.is_repeated else (value,):
                _strip_message(inner)


def _load(package: Package) -> Scores:
    """The model with its adapters merged; EmotionSlmError for one that cannot be exported."""
    folder, bases = package.folder, [package.encoder]
    if package.onnx:
        raise EmotionSlmError(f"{folder}: is an ONNX export already; export from the package")
    if package.finetuned.classifier.name == "one_position":
        bases.append(package.finetuned.classifier.backbone)
    if any(base.four_bit for base in bases):
        raise EmotionSlmError(
            f"{folder}: its base weights are 4-bit, for which ONNX has no operators; "
            "score with the package itself"
        )
    model = Scores(*load_models(package)).cpu().eval()
    size = sum(weight.numel() * weight.element_size() for weight in model.parameters())
    if size >= MOST_BYTES[ONNX]:
        raise EmotionSlmError(
            f"{folder}: {size / 2**30:.1f} GiB of weights, and one ONNX file holds less than two; "
            "score with the package itself"
        )
    for part in model.modules():
        if hasattr(part, "lora_A"):
            part.merge()
    return model


def _compare(model: Scores, graph: OnnxGraph, package: Package) -> None:
    """EmotionSlmError when graph and model differ: an exporter may take a shape for a constant."""
    random = np.random.default_rng(0)
    words = model.encoder.get_input_embeddings().num_embeddings
    for rows, tokens in TRIED:
        tokens = min(tokens, package.encoder.max_length)
        lengths = random.integers(1, tokens, size=rows, endpoint=True)
        lengths[0] = tokens
        mask = (np.arange(tokens) < lengths[:, None]).astype(np.int64)  # (rows, tokens)
        token_ids = random.integers(0, words, size=mask.shape)
        inputs = {"input_ids": token_ids, "attention_mask": mask}
        with torch.inference_mode():
            expected = model(**{name: torch.from_numpy(part) for name, part in inputs.items()})
        difference = np.abs(expit(graph.run(inputs)) - expit(expected.numpy())).max()
        if not difference <= TOLERANCE:  # NaN is no agreement either
            raise EmotionSlmError(
                f"{package.folder}: its ONNX graph is not the same model: for {rows} texts of "
                f"{tokens} tokens a sigmoid differs by {difference:.3g}; score with the package "
                "itself"
            )


@contextmanager
def _quiet() -> Iterator[None]:
    """Hide advice of torch's exporter that no user can act on."""
    import warnings

    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
