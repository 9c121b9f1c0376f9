import pytest
import torch
from support.labels import GOEMOTIONS, LABELS

from emotion_slm.backbone.params import LoraParams
from emotion_slm.backbone.tensors import load_trained
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import sha256_lines
from emotion_slm.encoder.adapt import adapt
from emotion_slm.encoder.adapted import (
    CONFIG,
    ENCODER,
    HEAD,
    Adapted,
    build_encoder,
    load_encoder,
    read_adapted,
    write_adapted,
    write_frozen,
)
from emotion_slm.encoder.params import AdaptParams
from emotion_slm.encoder.text_classifier import Tokenizer
from emotion_slm.training.params import AsymmetricLoss

LORA = LoraParams(r=4, alpha=8, dropout=0.0)
TEXTS = ["happy cat", "the very sad dog", "tree"]


def disturb(model: torch.nn.Module) -> None:
    """Stands for training: moves whatever may be trained."""
    with torch.no_grad():
        for weight in model.parameters():
            if weight.requires_grad:
                weight.add_(0.05 * torch.randn_like(weight))


def round_to_float16(model: torch.nn.Module) -> None:
    with torch.no_grad():
        for weight in model.parameters():
            if weight.requires_grad:
                weight.copy_(weight.half().float())


@pytest.mark.parametrize("lora", [None, LORA], ids=["full", "lora"])
@pytest.mark.parametrize("kind", ["bert", "mistral"])
def test_loaded_encoder_is_the_rounded_one(
    kind, lora, tiny_bert, tiny_mistral, encoder_params, tmp_path
):
    folder = {"bert": tiny_bert, "mistral": tiny_mistral}[kind]
    params = encoder_params(folder)
    torch.manual_seed(0)
    model = build_encoder(params, lora, dropout=0.1, labels=LABELS)
    pristine = load_encoder(params, Adapted(frozen=True), None)
    disturb(model)
    write_adapted(tmp_path, model, lora, "ab" * 32)

    found = read_adapted(tmp_path)
    assert found == Adapted(frozen=False, lora=lora, train_ids_sha256="ab" * 32)
    torch.manual_seed(99)  # nothing random may survive loading
    loaded = load_encoder(params, found, tmp_path / ENCODER, LABELS)
    assert not loaded.training

    tokenizer = Tokenizer(folder, 32)
    batch = tokenizer.pad(tokenizer(TEXTS))
    round_to_float16(model)
    model.eval()
    with torch.no_grad():
        assert torch.equal(loaded.encode(**batch), model.encode(**batch))
        assert not torch.allclose(pristine.encode(**batch), model.encode(**batch), atol=1e-3)
    load_trained(loaded.head, tmp_path / HEAD)
    assert torch.equal(loaded.head.weight, model.head.weight)


def test_lora_files_hold_adapters_only(tiny_bert, encoder_params, tmp_path):
    from safetensors.torch import load_file

    write_adapted(tmp_path, build_encoder(encoder_params(tiny_bert), LORA, 0.0, LABELS), LORA, "00")
    tensors = load_file(tmp_path / ENCODER)
    assert tensors and all(".lora_" in name for name in tensors)


def test_files_of_another_shape_of_adaptation_are_refused(tiny_bert, encoder_params, tmp_path):
    params = encoder_params(tiny_bert)
    write_adapted(tmp_path, build_encoder(params, None, 0.0, LABELS), None, "00")
    claimed = Adapted(frozen=False, lora=LORA, train_ids_sha256="00")
    with pytest.raises(EmotionSlmError, match=r"encoder\.safetensors"):
        load_encoder(params, claimed, tmp_path / ENCODER)


def test_frozen_marker_is_constant_bytes(tmp_path):
    write_frozen(tmp_path)
    assert (tmp_path / CONFIG).read_bytes() == b'{\n  "frozen": true\n}\n'
    assert [path.name for path in tmp_path.iterdir()] == [CONFIG]
    assert read_adapted(tmp_path) == Adapted(frozen=True)


def test_frozen_encoder_is_the_pretrained_one(tiny_bert, encoder_params):
    from transformers import BertModel

    tokenizer = Tokenizer(tiny_bert, 32)
    batch = tokenizer.pad(tokenizer(TEXTS))
    loaded = load_encoder(encoder_params(tiny_bert), Adapted(frozen=True), None, LABELS)
    reference = BertModel.from_pretrained(tiny_bert).eval()
    with torch.no_grad():
        hidden = reference(**batch).last_hidden_state
        mask = batch["attention_mask"][:, :, None]
        expected = (hidden * mask).sum(1) / mask.sum(1)
        torch.testing.assert_close(loaded.encode(**batch), expected, atol=1e-5, rtol=1e-5)


def test_missing_marker_names_the_remedy(tmp_path):
    with pytest.raises(EmotionSlmError, match=r"config\.json: no such file; `dvc repro`"):
        read_adapted(tmp_path)


@pytest.fixture
def adapt_params(training_params) -> AdaptParams:
    loss = AsymmetricLoss(name="asymmetric", gamma_positive=0.0, gamma_negative=2.0, clip=0.05)
    return AdaptParams(
        lora="none", head="random", dropout=0.1, loss=loss, training=training_params(batch_size=8)
    )


def test_adapt_twice_writes_the_same_bytes(
    tiny_bert, encoder_params, adapt_params, emotion_frame, tmp_path
):
    params = encoder_params(tiny_bert)
    train, validation = emotion_frame(20), emotion_frame(12, seed=1)
    for callers_state, name in enumerate(("a", "b")):
        torch.manual_seed(callers_state)  # must not matter
        output, scratch = tmp_path / name, tmp_path / f"scratch-{name}"
        training = adapt(train, validation, GOEMOTIONS, params, adapt_params, 5, output, scratch)
        assert len(training.curve) == 2
    for name in (ENCODER, HEAD, CONFIG):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    found = read_adapted(tmp_path / "a")
    assert found.train_ids_sha256 == sha256_lines(train["id"].tolist())
    assert found.train_ids_sha256 != sha256_lines(validation["id"].tolist())


def test_adapt_with_another_seed_writes_other_weights(
    tiny_bert, encoder_params, adapt_params, emotion_frame, tmp_path
):
    frame = emotion_frame(12)
    for seed in (5, 6):
        folder = tmp_path / str(seed)
        adapt(
            frame,
            frame,
            GOEMOTIONS,
            encoder_params(tiny_bert),
            adapt_params,
            seed,
            folder,
            folder / "s",
        )
    first, second = ((tmp_path / seed / ENCODER).read_bytes() for seed in ("5", "6"))
    assert first != second


def test_adapt_refuses_an_unknown_label(
    tiny_bert, encoder_params, adapt_params, emotion_frame, tmp_path
):
    frame = emotion_frame(8)
    frame.at[3, "labels"] = ["angr"]
    with pytest.raises(EmotionSlmError, match=r"'angr'; did you mean 'anger'"):
        adapt(
            frame,
            frame,
            GOEMOTIONS,
            encoder_params(tiny_bert),
            adapt_params,
            5,
            tmp_path / "o",
            tmp_path,
        )
    assert not (tmp_path / "o").exists()
