import pytest

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import read_json, write_json
from emotion_slm.encoder.text_classifier import Tokenizer
from emotion_slm.package.tokenizer import (
    SOURCE_KEYS,
    TOKENIZER,
    TOKENIZER_CONFIG,
    PackagedTokenizer,
    write_tokenizer,
)

TEXTS = ["happy cat", "", "the very sad dog " * 30, "😀 \ufffd", "[CLS] tree [PAD]", "a \x00 x"]


def test_it_gives_what_the_classifier_takes(tiny_bert, tmp_path):
    from transformers import AutoTokenizer

    assert write_tokenizer(tiny_bert, tmp_path, 8) == (TOKENIZER, TOKENIZER_CONFIG)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    batch = tokenizer(["happy " * 20, "happy"], truncation=True, padding=True)
    assert list(batch) == ["input_ids", "attention_mask"]
    assert [sum(mask) for mask in batch["attention_mask"]] == [8, 3]
    assert batch["attention_mask"][1][:3] == [1, 1, 1]
    assert not set(SOURCE_KEYS) & set(read_json(tmp_path / TOKENIZER_CONFIG))


def test_a_decoder_gets_a_token_to_pad_with(tiny_mistral, tmp_path):
    from transformers import AutoTokenizer

    write_tokenizer(tiny_mistral, tmp_path, 8)
    assert AutoTokenizer.from_pretrained(tmp_path).pad_token is not None


@pytest.mark.parametrize("base", ["tiny_bert", "tiny_mistral"])
def test_a_package_is_read_token_for_token_as_the_encoder_was_trained(base, request, tmp_path):
    folder = request.getfixturevalue(base)
    write_tokenizer(folder, tmp_path, 8)
    trained = Tokenizer(folder, 8)(TEXTS)
    assert [row.tolist() for row in PackagedTokenizer(tmp_path, 8)(TEXTS)] == [
        row.tolist() for row in trained
    ]
    assert max(map(len, trained)) == 8


def test_a_base_that_drops_the_start_of_long_texts_goes_on_doing_so(tiny_bert, tmp_path):
    write_tokenizer(tiny_bert, tmp_path, 4)
    config = read_json(tmp_path / TOKENIZER_CONFIG)
    write_json(tmp_path / TOKENIZER_CONFIG, config | {"truncation_side": "left"})
    first, last = PackagedTokenizer(tmp_path, 4)(["happy cat dog tree", "dog tree"])
    assert first.tolist() == last.tolist()


@pytest.mark.parametrize("name", [TOKENIZER, TOKENIZER_CONFIG])
def test_a_full_disk_is_named(name, tiny_bert, tmp_path):
    (tmp_path / name).symlink_to("/dev/full")  # takes nothing, as a full disk does
    with pytest.raises(EmotionSlmError, match=r"No space left on device.*free some space"):
        write_tokenizer(tiny_bert, tmp_path, 8)
