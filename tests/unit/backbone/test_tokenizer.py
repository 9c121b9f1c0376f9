"""Mistral's tokenizer: the same ids whichever files its folder holds and whatever they say."""

import base64
import json
import shutil
from pathlib import Path

import pytest

from emotion_slm.backbone.tokenizer import MISTRAL, load_tokenizer
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import read_json, write_json

# The first of tekken's control tokens, by id; those of the tiny vocabulary end with <pad>.
SPECIALS = [
    "<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]",
    "[TOOL_RESULTS]", "[/TOOL_RESULTS]", "[TOOL_CALLS]", "[IMG]", "<pad>",
]  # fmt: skip
PATTERN = r"[^\r\n\p{L}\p{N}]?[\p{Lu}]*[\p{Ll}]+|\p{N}| ?[^\s\p{L}\p{N}]+|\s+"
FIRST_BYTE = len(SPECIALS)
TEXT = "naïve 12\n"


@pytest.fixture(scope="module")
def tekken(tmp_path_factory) -> Path:
    """Folder of Mistral's own format alone: tekken.json, of all bytes and no longer pieces."""
    folder = tmp_path_factory.mktemp("tekken")
    vocabulary = [
        {"rank": rank, "token_bytes": base64.b64encode(bytes([rank])).decode(), "token_str": None}
        for rank in range(256)
    ]
    config = {
        "pattern": PATTERN,
        "num_vocab_tokens": 256,
        "default_vocab_size": 256 + FIRST_BYTE,
        "default_num_special_tokens": FIRST_BYTE,
        "version": "v3",
    }
    specials = [
        {"rank": rank, "token_str": token, "is_control": True}
        for rank, token in enumerate(SPECIALS)
    ]
    content = {"config": config, "vocab": vocabulary, "special_tokens": specials}
    (folder / "tekken.json").write_text(json.dumps(content))
    write_json(folder / "config.json", {"model_type": "mistral3", "transformers_version": "4.50.0"})
    return folder


@pytest.fixture
def converted(tekken, tmp_path) -> Path:
    """Folder of the same as a tokenizer.json that begins with nothing and pads on the left."""
    from transformers import PreTrainedTokenizerFast

    PreTrainedTokenizerFast.from_pretrained(tekken).save_pretrained(tmp_path)
    shutil.copyfile(tekken / "config.json", tmp_path / "config.json")
    assert read_json(tmp_path / "tokenizer.json")["post_processor"]["type"] == "ByteLevel"
    said = read_json(tmp_path / "tokenizer_config.json") | {
        "tokenizer_class": "LlamaTokenizerFast",
        "padding_side": "left",
        "pad_token": "</s>",
        "add_bos_token": False,
    }
    write_json(tmp_path / "tokenizer_config.json", said)
    return tmp_path


def expected_ids() -> list[int]:
    return [1, *(FIRST_BYTE + byte for byte in TEXT.encode())]


def check(folder: Path) -> None:
    tokenizer = load_tokenizer(folder)
    assert (tokenizer.padding_side, tokenizer.pad_token_id, tokenizer.bos_token_id) == (
        "right", 11, 1,
    )  # fmt: skip
    assert tokenizer(TEXT)["input_ids"] == expected_ids()
    batch = tokenizer([TEXT, "n"], padding=True)
    assert batch["input_ids"][1][:3] == [1, FIRST_BYTE + ord("n"), 11]
    assert batch["attention_mask"][1][:3] == [1, 1, 0]


def test_of_mistral_s_own_format_alone(tekken):
    check(tekken)


@pytest.mark.parametrize("kind", MISTRAL)
def test_of_a_tokenizer_json_that_says_otherwise(converted, kind):
    write_json(converted / "config.json", {"model_type": kind, "transformers_version": "4.50.0"})
    check(converted)


def test_the_beginning_is_there_once(converted):
    load_tokenizer(converted).save_pretrained(converted)
    check(converted)


def test_another_model_s_tokenizer_is_taken_as_it_is(converted):
    write_json(converted / "config.json", {"model_type": "llama", "transformers_version": "5.0.0"})
    said = read_json(converted / "tokenizer_config.json")
    own = said | {"tokenizer_class": "PreTrainedTokenizerFast"}
    write_json(converted / "tokenizer_config.json", own)
    tokenizer = load_tokenizer(converted)
    assert tokenizer.pad_token == "</s>" and tokenizer.padding_side == "right"
    assert tokenizer(TEXT)["input_ids"] == expected_ids()[1:]


def test_a_mistral_with_a_vocabulary_of_its_own_keeps_it(tiny_mistral):
    tokenizer = load_tokenizer(tiny_mistral)
    assert tokenizer.bos_token is None and tokenizer.pad_token == "[PAD]"
    assert tokenizer("cat")["input_ids"][0] == tokenizer.convert_tokens_to_ids("[CLS]")


def test_a_format_that_needs_mistral_common_is_named(tekken, tmp_path):
    """Of the year 2024: without the list of control tokens, which that package knows by heart."""
    folder = Path(shutil.copytree(tekken, tmp_path / "old"))
    content = json.loads((folder / "tekken.json").read_text())
    del content["special_tokens"]
    (folder / "tekken.json").write_text(json.dumps(content))
    with pytest.raises(EmotionSlmError, match=r"old: there is no tokenizer\.json, and its tekken"):
        load_tokenizer(folder)
