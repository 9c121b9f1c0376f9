import pytest

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import read_json
from emotion_slm.package.tokenizer import SOURCE_KEYS, TOKENIZER, TOKENIZER_CONFIG, write_tokenizer


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


@pytest.mark.parametrize("name", [TOKENIZER, TOKENIZER_CONFIG])
def test_a_full_disk_is_told(name, tiny_bert, tmp_path):
    (tmp_path / name).symlink_to("/dev/full")  # takes nothing, as a full disk does
    with pytest.raises(EmotionSlmError, match=r"No space left on device.*free some space"):
        write_tokenizer(tiny_bert, tmp_path, 8)
