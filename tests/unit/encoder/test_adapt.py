import pytest

from emotion_slm.encoder.adapt import adapt
from emotion_slm.errors import EmotionSlmError
from emotion_slm.params.adapt import AdaptParams


def test_four_bit_weights_need_adapters(
    tiny_mistral, encoder_params, training_params, emotion_frame, tmp_path
):
    encoder = encoder_params(tiny_mistral, four_bit=True)
    params = AdaptParams(lora="none", dropout=0.0, loss={"name": "bce"}, training=training_params())
    rows = emotion_frame(4)
    with pytest.raises(EmotionSlmError, match=r"give adapt\.lora a rank"):
        adapt(rows, rows, encoder, params, 0, tmp_path / "out", tmp_path / "checkpoints")
    assert not list(tmp_path.iterdir())
