"""Whatever a package holds, it is used in the same way and scores as what it was made of."""

import shutil
import socket
from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import constants
from scipy.special import expit
from support.labels import LABELS
from support.packages import LINEAR, create_package

from emotion_slm.backbone import pretrained
from emotion_slm.backbone.params import LoraParams
from emotion_slm.classifier import finetuned
from emotion_slm.classifier.params import MlpHead, OnePositionSlm
from emotion_slm.encoder import adapted
from emotion_slm.encoder.embed import embed
from emotion_slm.encoder.text_classifier import Tokenizer
from emotion_slm.scoring.classifier import EmotionClassifier

TEXTS = ["happy cat", "", "the very sad dog " * 20, "😀 \ufffd", "tree"]
LORA = LoraParams(r=2, alpha=4, dropout=0.0)
KINDS = ["adapted", "adapters", "frozen", "frozen-mlp", "frozen-one_position", "frozen-after_bos"]


@pytest.fixture(scope="module", params=KINDS)
def folder(
    request, tmp_path_factory, tiny_bert, tiny_mistral, encoder_params, backbone_params
) -> Path:
    """A package of each kind, beside the folders it was made of."""
    encoder, _, head = request.param.partition("-")
    classifier = {
        "": LINEAR,
        "mlp": MlpHead(name="mlp", hidden=8, dropout=0.1),
        "one_position": OnePositionSlm(
            name="one_position", backbone=backbone_params(tiny_bert), dropout=0.1, lora=LORA
        ),
        "after_bos": OnePositionSlm(
            name="one_position",
            prefix="bos",
            backbone=backbone_params(tiny_mistral),
            dropout=0.1,
            lora=LORA,
        ),
    }[head]
    return create_package(
        tmp_path_factory.mktemp(request.param),
        encoder_params(tiny_bert),
        classifier,
        frozen=encoder == "frozen",
        lora=LORA if encoder == "adapters" else None,
    )


def evaluated(folder: Path, encoder_params) -> np.ndarray:
    """(n, 28) logits of TEXTS as stages embed and evaluate make them, from the stages' outputs."""
    encoder = adapted.load_encoder(
        encoder_params,
        adapted.read_adapted(folder.parent / "adapted"),
        folder.parent / "adapted" / adapted.ENCODER,
        LABELS,
    )
    classifier = finetuned.load_classifier(
        finetuned.read_finetuned(folder.parent / "finetuned"),
        folder.parent / "finetuned" / finetuned.WEIGHTS,
    )
    tokenizer = Tokenizer(Path(encoder_params.id), encoder_params.max_length)
    vectors = embed(TEXTS, encoder, tokenizer, 2, lambda _: None)
    return finetuned.logits(classifier, vectors)


def test_every_kind_scores_as_it_was_evaluated(folder, tiny_bert, encoder_params):
    classifier = EmotionClassifier.from_pretrained(folder)
    expected = evaluated(folder, encoder_params(tiny_bert))
    np.testing.assert_allclose(classifier.logits(TEXTS), expected, atol=1e-4)
    slope, intercept = np.linspace(0.5, 3, len(LABELS)), np.linspace(-1, 1, len(LABELS))
    probabilities = classifier.predict_proba(TEXTS)
    assert probabilities.shape == (len(TEXTS), len(LABELS)) and probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities, expit(expected * slope + intercept), atol=1e-4)
    assert np.abs(probabilities[0] - probabilities[2]).max() > 1e-3
    everything = classifier.predict(iter(TEXTS), threshold=0.0)
    for row, found in zip(probabilities, everything, strict=True):
        assert found == pytest.approx(dict(zip(LABELS, row, strict=True)), abs=1e-6)
    assert [len(found) for found in classifier.predict(TEXTS, 0.0, top_k=2)] == [2] * len(TEXTS)


def test_every_kind_loads_without_a_network(folder, tmp_path, monkeypatch):
    def connect(*_):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket, "getaddrinfo", connect)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)  # nor need it be asked for
    pretrained.locate.cache_clear()
    moved = Path(shutil.copytree(folder, tmp_path / "elsewhere"))
    assert EmotionClassifier.from_pretrained(moved).predict(["happy"], threshold=0.0)
