import pytest
import torch
from safetensors.torch import load_file
from support.labels import GOEMOTIONS, LABELS

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.encoder.adapt import adapt
from emotion_slm.encoder.adapted import HEAD, build_encoder
from emotion_slm.encoder.label_head import start_from_definitions
from emotion_slm.encoder.params import AdaptParams
from emotion_slm.encoder.text_classifier import Tokenizer

COMMON = {"lora": "none", "dropout": 0.0, "loss": {"name": "bce"}}


def test_four_bit_weights_need_adapters(
    tiny_mistral, encoder_params, training_params, emotion_frame, tmp_path
):
    encoder = encoder_params(tiny_mistral, four_bit=True)
    params = AdaptParams(**COMMON, head="random", training=training_params())
    rows = emotion_frame(4)
    with pytest.raises(EmotionSlmError, match=r"give adapt\.lora a rank"):
        adapt(
            rows, rows, GOEMOTIONS, encoder, params, 0, tmp_path / "out", tmp_path / "checkpoints"
        )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("head", ["definitions", "random"])
def test_the_head_starts_as_params_say(
    head, tiny_bert, encoder_params, training_params, emotion_frame, tmp_path
):
    encoder = encoder_params(tiny_bert)
    still = training_params(epochs=1, learning_rate=1e-9)
    params = AdaptParams(**COMMON, head=head, training=still)
    rows = emotion_frame(4)
    adapt(rows, rows, GOEMOTIONS, encoder, params, 5, tmp_path / "out", tmp_path / "checkpoints")
    torch.manual_seed(5)
    model = build_encoder(encoder, None, 0.0, LABELS)
    if head == "definitions":
        start_from_definitions(model, Tokenizer(tiny_bert, encoder.max_length), GOEMOTIONS)
    kept = load_file(tmp_path / "out" / HEAD)["weight"]  # in half precision
    assert torch.allclose(kept.float(), model.head.weight, rtol=2e-3, atol=1e-5)
