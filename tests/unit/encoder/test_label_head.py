import pytest
import torch
from support.labels import GOEMOTIONS, LABELS

from emotion_slm.encoder.adapted import build_encoder
from emotion_slm.encoder.label_head import STEEPNESS, start_from_definitions
from emotion_slm.encoder.text_classifier import Tokenizer


@pytest.fixture
def model_and_tokenizer(tiny_bert, encoder_params):
    torch.manual_seed(0)
    encoder = encoder_params(tiny_bert)
    return build_encoder(encoder, None, 0.1, LABELS), Tokenizer(tiny_bert, encoder.max_length)


def test_every_label_has_a_definition():
    assert tuple(GOEMOTIONS.definitions) == LABELS
    assert len(set(GOEMOTIONS.definitions.values())) == len(LABELS)


def test_a_definition_is_nearest_to_its_own_label(model_and_tokenizer):
    model, tokenizer = model_and_tokenizer
    start_from_definitions(model, tokenizer, GOEMOTIONS)
    texts = [f"{label}: {definition}" for label, definition in GOEMOTIONS.definitions.items()]
    model.eval()
    with torch.no_grad():
        vectors = model.encode(**tokenizer.pad(tokenizer(texts)))
        apart = vectors - vectors.mean(dim=0)
        cosines = torch.cosine_similarity(apart[:, None], model.head.weight[None], dim=2)
    assert (cosines.argmax(dim=1) == torch.arange(len(LABELS))).all()
    assert torch.allclose(cosines.diagonal(), torch.ones(len(LABELS)), atol=1e-5)


def test_rows_are_as_steep_as_asked_and_the_bias_stays(model_and_tokenizer):
    model, tokenizer = model_and_tokenizer
    bias = model.head.bias.clone()
    start_from_definitions(model, tokenizer, GOEMOTIONS)
    norms = model.head.weight.detach().norm(dim=1)
    assert torch.allclose(norms, norms[0].expand_as(norms))
    texts = [f"{label}: {definition}" for label, definition in GOEMOTIONS.definitions.items()]
    model.eval()
    with torch.no_grad():
        usual = model.encode(**tokenizer.pad(tokenizer(texts))).norm(dim=1).mean()
    assert float(norms[0] * usual) == pytest.approx(STEEPNESS, rel=1e-4)
    assert torch.equal(model.head.bias, bias)


def test_the_mode_and_the_random_numbers_are_left_alone(model_and_tokenizer):
    model, tokenizer = model_and_tokenizer
    model.train()
    before = torch.get_rng_state()
    start_from_definitions(model, tokenizer, GOEMOTIONS)
    assert model.training
    assert torch.equal(torch.get_rng_state(), before)
    assert model.head.weight.requires_grad
