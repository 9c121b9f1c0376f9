"""The models as Hugging Face models: saved whole, loaded in another process, the same logits."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from support.labels import LABEL_INDEX, LABELS
from support.training import disturb

from emotion_slm.backbone.base import EmotionModel
from emotion_slm.backbone.params import LoraParams
from emotion_slm.classifier.architectures import build_classifier
from emotion_slm.classifier.one_position import OnePositionClassifier
from emotion_slm.classifier.params import OnePositionSlm
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import read_json
from emotion_slm.encoder.adapted import build_encoder
from emotion_slm.encoder.text_classifier import TextClassifier, TextClassifierConfig

WIDTH = 12
LORA = LoraParams(r=4, alpha=8, dropout=0.0)
ONE_POSITION = ["one_position-bert", "one_position-mistral3", "one_position-mistral3-bos"]
TEXT = ["text-bert", "text-bert-lora", "text-mistral", "text-mistral3-lora"]
KINDS = [*ONE_POSITION, *TEXT]

# Two texts of unequal length: an attention that sees padding would show.
TOKENS = {
    "input_ids": torch.tensor([[2, 4, 8, 9, 3], [2, 5, 3, 0, 0]]),
    "attention_mask": torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]]),
}
VECTORS = {"vectors": torch.linspace(-1, 1, 3 * WIDTH).reshape(3, WIDTH)}

LOAD_ALL = """
import sys
from pathlib import Path
import numpy as np, torch
from transformers import AutoModel, AutoModelForSequenceClassification
import emotion_slm.encoder.text_classifier, emotion_slm.classifier.one_position
torch.set_num_threads(1)
root = Path(sys.argv[1])
inputs = torch.load(root / "inputs.pt", weights_only=True)
logits = {}
for folder in sorted(path for path in root.iterdir() if path.is_dir()):
    text = folder.name.startswith("text")
    auto = AutoModelForSequenceClassification if text else AutoModel
    torch.manual_seed(99)  # nothing random may survive loading
    model = auto.from_pretrained(folder)
    assert not model.training
    with torch.no_grad():
        logits[folder.name] = model(**inputs["text" if text else "vectors"]).logits.numpy()
np.savez(root / "logits.npz", **logits)
"""


def inputs_of(kind: str) -> dict[str, torch.Tensor]:
    return TOKENS if kind.startswith("text") else VECTORS


def logits_of(model: EmotionModel, kind: str) -> np.ndarray:
    with torch.no_grad():
        return model.eval()(**inputs_of(kind)).logits.numpy()


@pytest.fixture(scope="module")
def build(tiny_bert, tiny_mistral, tiny_mistral3, backbone_params, encoder_params):
    """Function: kind → a fresh model."""
    folders = {"bert": tiny_bert, "mistral": tiny_mistral, "mistral3": tiny_mistral3}

    def make(kind: str) -> EmotionModel:
        torch.manual_seed(0)
        name, *rest = kind.split("-")
        if name == "text":
            pooling = "mean" if rest[0] == "bert" else "last"
            lora = LORA if rest[-1] == "lora" else None
            return build_encoder(
                encoder_params(folders[rest[0]], pooling=pooling), lora, 0.1, LABELS
            )
        head = OnePositionSlm(
            name="one_position",
            prefix="bos" if rest[-1] == "bos" else "none",
            backbone=backbone_params(folders[rest[0]]),
            dropout=0.1,
            lora=LORA,
        )
        return build_classifier(head, WIDTH, LABELS)

    return make


@pytest.fixture(scope="module")
def saved(build, tmp_path_factory) -> tuple[Path, dict[str, np.ndarray]]:
    """A folder of saved models, one per kind, and the logits each gave before it was saved."""
    root = tmp_path_factory.mktemp("saved")
    expected = {}
    for kind in KINDS:
        model = build(kind)
        disturb(model)
        model.save_pretrained(root / kind)
        expected[kind] = logits_of(model, kind)
    torch.save({"text": TOKENS, "vectors": VECTORS}, root / "inputs.pt")
    return root, expected


@pytest.mark.slow
def test_a_fresh_process_gets_identical_logits_from_the_auto_classes(saved):
    root, expected = saved
    subprocess.run([sys.executable, "-c", LOAD_ALL, str(root)], check=True)
    found = np.load(root / "logits.npz")
    assert set(found) == set(KINDS)
    for kind in KINDS:
        np.testing.assert_array_equal(found[kind], expected[kind], err_msg=kind)
        assert np.ptp(expected[kind]) > 0.1, kind


@pytest.mark.parametrize("kind", KINDS)
def test_folder_holds_config_and_safetensors_alone(kind, saved):
    names = {path.name for path in (saved[0] / kind).iterdir()}
    assert names == {"config.json", "model.safetensors"}


@pytest.mark.parametrize("kind", KINDS)
def test_config_carries_labels_in_order_and_the_kind_of_problem(kind, saved):
    config = read_json(saved[0] / kind / "config.json")
    assert list(config["id2label"].values()) == list(LABELS)
    assert list(config["id2label"]) == [str(index) for index in range(len(LABELS))]
    assert config["label2id"] == LABEL_INDEX
    assert config["problem_type"] == "multi_label_classification"


def test_labels_survive_loading_in_order(saved):
    loaded = OnePositionClassifier.from_pretrained(saved[0] / ONE_POSITION[0])
    assert loaded.config.id2label == dict(enumerate(LABELS))
    assert loaded.config.label2id == LABEL_INDEX
    assert loaded.config.num_labels == len(LABELS)


@pytest.mark.parametrize("kind", KINDS)
def test_what_training_may_change_is_the_same_after_loading(kind, saved, build):
    model = build(kind)
    loaded = type(model).from_pretrained(saved[0] / kind)
    trainable = [
        {name for name, weight in each.named_parameters() if weight.requires_grad}
        for each in (model, loaded)
    ]
    assert trainable[0] == trainable[1] != set()


def test_config_rebuilds_the_backbone_without_the_hub(saved):
    config = TextClassifierConfig.from_pretrained(saved[0] / "text-mistral3-lora")
    assert config.backbone.model_type == "mistral"  # the text tower's own
    assert config.lora == LORA.model_dump()
    assert config.pooling == "last"


@pytest.mark.parametrize("kind", ["one_position-bert", "text-bert-lora"])
@pytest.mark.parametrize("change", ["missing", "left over", "reshaped"])
def test_incomplete_weights_are_refused_by_name(kind, change, saved, build, tmp_path):
    config = (saved[0] / kind / "config.json").read_text()
    tensors = load_file(saved[0] / kind / "model.safetensors")
    name = "stray" if change == "left over" else sorted(tensors)[0]
    if change == "missing":
        del tensors[name]
    else:
        tensors[name] = torch.zeros(1)
    (tmp_path / "config.json").write_text(config)
    save_file(tensors, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(EmotionSlmError, match=name):
        type(build(kind)).from_pretrained(tmp_path)


def test_pickled_weights_are_not_loaded(saved, tmp_path):
    source = saved[0] / ONE_POSITION[0]
    (tmp_path / "config.json").write_text((source / "config.json").read_text())
    torch.save(load_file(source / "model.safetensors"), tmp_path / "pytorch_model.bin")
    with pytest.raises(OSError, match="safetensors"):
        OnePositionClassifier.from_pretrained(tmp_path)


def test_a_backbone_in_use_keeps_masking_its_padding(build):
    # A config that holds the backbone's hands its own attention kernel down to it.
    model = build("text-bert")
    alone = {name: tensor[1:, :3] for name, tensor in TOKENS.items()}
    with torch.no_grad():
        padded = model.eval()(**TOKENS).logits[1:]
        torch.testing.assert_close(padded, model(**alone).logits, atol=1e-5, rtol=1e-5)
    assert model.backbone.config._attn_implementation == "eager"


@pytest.mark.parametrize("kind", ["text-bert-lora", "text-mistral3-lora", "one_position-mistral3"])
def test_gradient_checkpointing_changes_no_gradient(kind, build):
    gradients = []
    for checkpointing in (False, True):
        model = build(kind)
        disturb(model)
        if checkpointing:
            model.gradient_checkpointing_enable()
        for part in model.modules():  # the layers checkpoint in training mode alone
            if isinstance(part, torch.nn.Dropout):
                part.p = 0.0
        model.train()(**inputs_of(kind)).logits.pow(2).sum().backward()
        gradients.append({name: w.grad for name, w in model.named_parameters() if w.requires_grad})
    for name, gradient in gradients[0].items():
        assert gradient is not None and gradient.abs().sum() > 0, name
        torch.testing.assert_close(gradients[1][name], gradient)


def test_importing_the_package_does_not_import_torch():
    code = "import sys, emotion_slm; assert not {'torch', 'transformers'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.slow
def test_a_head_is_trained_without_transformers():
    code = """
import sys, stages.finetune
from emotion_slm.classifier.architectures import build_classifier
from emotion_slm.classifier.params import LinearHead
build_classifier(LinearHead(name="linear"), 3, ["joy", "anger"])
assert "transformers" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_models_are_of_their_own_classes(build):
    assert type(build("text-bert")) is TextClassifier
    assert type(build("one_position-bert")) is OnePositionClassifier


def test_the_one_position_model_stays_in_float32(build, tmp_path):
    model = build("one_position-bert")
    assert model.float() is model and model.to("cpu") is model
    for cast in (model.half, model.bfloat16, lambda: model.to(torch.float16)):
        with pytest.raises(EmotionSlmError, match=r"OnePositionClassifier takes float32 vectors"):
            cast()
    model.save_pretrained(tmp_path)
    with pytest.raises(EmotionSlmError, match=r"it is not loaded in float16"):
        OnePositionClassifier.from_pretrained(tmp_path, dtype="float16")
    assert OnePositionClassifier.from_pretrained(tmp_path, dtype="float32").dtype == torch.float32
