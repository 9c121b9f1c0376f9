import logging as stdlib_logging
import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest
import tokenizers

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import read_json, write_json
from emotion_slm.encoder.text_classifier import Tokenizer
from emotion_slm.package.package import read_package
from emotion_slm.package.tokenizer import (
    PROBE_TEXT,
    SOURCE_KEYS,
    TOKENIZER,
    TOKENIZER_CONFIG,
    PackagedTokenizer,
    Probe,
    probe_of,
    write_tokenizer,
)
from emotion_slm.scoring.classifier import EmotionClassifier


@contextmanager
def warnings_of_transformers():
    """The warnings that transformers would print."""
    from transformers.utils import logging

    said = []
    handler = stdlib_logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())
    logging.add_handler(handler)
    try:
        yield said
    finally:
        logging.remove_handler(handler)


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


def test_a_large_vocabulary_is_not_suspected_of_mistral_s_pattern(tmp_path):
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    words = {f"word{place}": place for place in range(100_001)}
    backend = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="word0"))
    backend.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    base, package = tmp_path / "base", tmp_path / "package"
    PreTrainedTokenizerFast(tokenizer_object=backend).save_pretrained(base)
    write_json(base / "config.json", {"model_type": "eurobert", "transformers_version": "4.48.0"})
    write_tokenizer(base, package, 8)
    write_json(package / "config.json", {"model_type": "bert"})
    with warnings_of_transformers() as said:
        AutoTokenizer.from_pretrained(package)
    assert not said


def test_the_probe_is_what_the_encoder_was_trained_to_read(tiny_mistral, tmp_path):
    probe = probe_of(tiny_mistral)
    assert probe.ids == tuple(Tokenizer(tiny_mistral, 64)([PROBE_TEXT])[0].tolist())
    assert len(set(probe.ids)) > 10  # says something
    write_tokenizer(tiny_mistral, tmp_path, 8)
    PackagedTokenizer(tmp_path, 8, probe)  # cut or not


@pytest.mark.parametrize("change", ["another id", "without the beginning", "more"])
def test_a_tokenizer_that_reads_the_probe_otherwise_is_refused(change, tiny_mistral, tmp_path):
    found = probe_of(tiny_mistral).ids
    recorded = {
        "another id": (*found[:-1], found[-1] + 1),
        "without the beginning": found[1:],
        "more": (*found, 7),
    }[change]
    write_tokenizer(tiny_mistral, tmp_path, 64)
    with pytest.raises(EmotionSlmError) as error:
        PackagedTokenizer(tmp_path, 64, Probe(PROBE_TEXT, recorded))
    message = str(error.value)
    for part in (
        str(tmp_path / TOKENIZER),
        *(" ".join(map(str, ids)) for ids in (found, recorded)),
    ):
        assert part in message


def test_a_package_keeps_its_probe_and_is_held_to_it(packaged, tmp_path):
    recorded = read_package(packaged).probe
    assert recorded.ids == tuple(PackagedTokenizer(packaged, 64)([PROBE_TEXT])[0].tolist())
    folder = Path(shutil.copytree(packaged, tmp_path / "package"))
    config = read_json(folder / "config.json")
    config["probe"]["ids"][3] += 1
    write_json(folder / "config.json", config)
    with pytest.raises(EmotionSlmError, match=r"tokenizer\.json: not the tokenizer"):
        EmotionClassifier.from_pretrained(folder)


def test_an_older_package_has_no_probe_and_loads(packaged, tmp_path):
    folder = Path(shutil.copytree(packaged, tmp_path / "package"))
    config = read_json(folder / "config.json")
    del config["probe"]
    write_json(folder / "config.json", config)
    assert read_package(folder).probe is None
    assert EmotionClassifier.from_pretrained(folder).predict(["cat"], threshold=0.0)


@pytest.mark.parametrize(
    "probe",
    [{"text": "a"}, {"text": "a", "ids": [1.5]}, {"text": "a", "ids": [-1]}, {"text": 3, "ids": []},
     {"text": "a" * 2000, "ids": [1]}, {"text": "a", "ids": [1] * 2000}, [], "probe"],
    ids=lambda probe: str(probe)[:24],
)  # fmt: skip
def test_what_is_no_probe_is_refused(probe, packaged, tmp_path):
    folder = Path(shutil.copytree(packaged, tmp_path / "package"))
    write_json(folder / "config.json", read_json(folder / "config.json") | {"probe": probe})
    with pytest.raises(EmotionSlmError, match=r"config\.json: probe"):
        read_package(folder)


@pytest.mark.parametrize("name", [TOKENIZER, TOKENIZER_CONFIG])
def test_a_full_disk_is_named(name, tiny_bert, tmp_path):
    (tmp_path / name).symlink_to("/dev/full")  # takes nothing, as a full disk does
    with pytest.raises(EmotionSlmError, match=r"No space left on device.*free some space"):
        write_tokenizer(tiny_bert, tmp_path, 8)
