"""Splits: duplicates stay together, labels stay balanced, the official test stays as it is."""

import os
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.labels import CORPUS, GOEMOTIONS, LABELS, to_matrix

from emotion_slm.audit.split import text_key
from emotion_slm.common.paths import SPLITS
from emotion_slm.corpus import tsv
from emotion_slm.corpus.fetch import fetch
from emotion_slm.corpus.params import Ratios
from emotion_slm.corpus.split import (
    COLUMNS,
    INVISIBLE,
    Splits,
    _fold,
    duplicate_groups,
    normalize,
    split_official,
    split_pooled,
    summary,
)

REAL = Path(os.environ.get("GOEMOTIONS_MIRROR") or "../shared/goemotions")
RATIOS = Ratios(train=0.6, validation=0.2, test=0.2)


@pytest.fixture(scope="module")
def sample(tmp_path_factory) -> pd.DataFrame:
    folder = tmp_path_factory.mktemp("sample")
    fetch("sample", folder)
    return tsv.read_corpus(folder, CORPUS)


def corpus(rows: list[tuple[str, str, list[str]]]) -> pd.DataFrame:
    """Rows of (text, official split, labels) → a corpus with ids in order."""
    frame = pd.DataFrame(rows, columns=["text", "official_split", "labels"])
    return frame.assign(id=[f"c{number}" for number in range(len(rows))])


@pytest.mark.parametrize(
    ("text", "normalized"),
    [
        ("Thank you!!", "thankyou"),
        ("  thank   YOU  ", "thankyou"),
        ("«Thank» you…", "thankyou"),
        ("thank you ❤", "thankyou"),
        ("$5 + 5 = 10", "5510"),
        ("Straße", "strasse"),
        ("a_b-c\u00a0d\u2028e\tf", "abcdef"),
        ("[NAME] rocks", "namerocks"),
    ],
)
def test_normalize(text, normalized):
    assert normalize(text) == normalized


# Each shows the same words with nothing to read added: what people and phones put into texts.
SAME = {
    "emoji": "thank you 🙏",
    "emoji with a skin tone": "thank you 🙏🏽",
    "joined emoji": "thank you 🤷\u200d♀\ufe0f",
    "emoji and a variation selector": "Thank you ☺\ufe0f",
    "text style": "thank you ❤\ufe0e",
    "flag": "thank you 🇫🇮",
    "flag of tags": "thank you 🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    "soft hyphen": "th\u00adank you",
    "zero-width space": "thank\u200byou",
    "bidi marks": "\u202athank you\u202c\u200e",
    "isolates": "\u2067thank\u2069 you",
    "byte-order mark": "\ufeffthank you",
    "control character": "thank\x00 you\x7f",
    "grapheme joiner": "tha\u034fnk you",
    "Hangul filler": "thank\u3164you",
    "blank of Braille": "thank\u2800you",
    "keycap": "thank you!\ufe0f\u20e3",
    "a mark on punctuation": "thank you.\u0301",
    "full width": "ｔｈａｎｋ　ｙｏｕ！",
    "mathematical letters": "𝓽𝓱𝓪𝓷𝓴 𝔂𝓸𝓾",
    "private use": "thank you \uf8ff",
}


@pytest.mark.parametrize("text", SAME.values(), ids=SAME)
def test_what_shows_nothing_to_read_makes_no_other_text(text):
    assert normalize(text) == "thankyou"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("café", "cafe\u0301"), ("ﬁne", "fine"), ("1️⃣", "1"), ("☺️", "☺"), ("👍🏽", "👍"),
        ("…", "..."), ("ΑΣ", "ας"), ("İ", "i\u0307"), ("½ of it", "1/2 of it"),
    ],
)  # fmt: skip
def test_forms_of_one_text(one, other):
    assert normalize(one) == normalize(other)


@pytest.mark.parametrize(
    ("one", "other"), [("café", "cafe"), ("हिन्दी", "हनद"), (":)", ":("), ("❤", "☺"), ("x²", "x")]
)
def test_other_texts(one, other):
    assert normalize(one) != normalize(other)


def test_texts_without_letters_are_duplicates_only_of_themselves():
    texts = [":(", ": (", ":)", "❤️", "☺️", "!!!", "!", ":(", "❤"]
    assert duplicate_groups(texts).tolist() == [0, 0, 1, 2, 3, 4, 5, 0, 2]


# Characters of every kind the rule knows, often enough to meet each other.
KINDS = st.text(
    st.sampled_from(
        "aZß2²é́̈!.-_ \t\u00a0ﷺ½™①ａＡİςΐ𝓽🙏🏽☺❤\u200d\ufe0f\u20e3\u00ad\u202e\u3164\uf8ffि\x00"
    )
    | st.characters(exclude_categories=["Cs"])
)


@given(st.text(st.characters(max_codepoint=127), max_size=30))
def test_ascii_is_normalised_as_any_text_is(text):
    folded = _fold(text)
    while folded != text:
        text, folded = folded, _fold(folded)
    assert normalize(text) == folded


@given(KINDS)
def test_normalize_is_idempotent(text):
    assert normalize(normalize(text)) == normalize(text)


@given(KINDS, st.text(st.sampled_from(".,!?'\"- \t\n$+😂🙏🏽☺\u200d\ufe0f\u200e\u00ad\x00")))
def test_what_is_deleted_may_stand_anywhere_beside_letters(text, added):
    assert normalize("a" + text + added) == normalize(added + "a" + text)


@given(KINDS)
def test_composition_and_case_make_no_other_text(text):
    for form in ("NFC", "NFD"):
        assert normalize(unicodedata.normalize(form, text)) == normalize(text)
    assert normalize(text.casefold()) == normalize(text)


@given(KINDS)
def test_the_audit_counts_by_the_same_rule_written_again(text):
    assert unicodedata.normalize("NFKC", text_key(text)) == normalize(text)


def test_beside_letters_only_letters_digits_and_their_marks_are_left():
    for code in range(sys.maxunicode + 1):
        category = unicodedata.category(chr(code))
        if category in ("Lo", "Cn", "Co", "Cs"):  # the many, each alike
            continue
        left = normalize(f"a{chr(code)}b")
        assert all(unicodedata.category(character)[0] in "LNM" for character in left)
        goes = category[0] not in "LNM" or category == "Me" or INVISIBLE.match(chr(code))
        assert (left == "ab") == bool(goes), f"U+{code:04X}"


def test_duplicate_groups_are_numbered_by_first_appearance():
    groups = duplicate_groups(["b", "a", "B!", "c", "a"])
    assert groups.tolist() == [0, 1, 0, 2, 1]
    assert groups.dtype == np.int64


def test_pooled_is_a_partition_in_corpus_order(sample):
    splits = split_pooled(sample, GOEMOTIONS, RATIOS, seed=1)
    assert list(splits.frames) == list(SPLITS)
    assert splits.dropped == dict.fromkeys(SPLITS, 0)
    position = {identity: number for number, identity in enumerate(sample["id"])}
    for frame in splits.frames.values():
        assert list(frame.columns) == COLUMNS
        positions = frame["id"].map(position)
        assert positions.is_monotonic_increasing
        assert frame["text"].tolist() == sample["text"].iloc[positions].tolist()
        assert frame["labels"].tolist() == sample["labels"].iloc[positions].tolist()
    found = pd.concat(splits.frames.values())["id"]
    assert sorted(found) == sorted(sample["id"])


@pytest.mark.parametrize("seed", [0, 1, 3407])
def test_pooled_keeps_the_ratios_of_rows_and_labels(sample, seed):
    splits = split_pooled(sample, GOEMOTIONS, RATIOS, seed=seed)
    totals = to_matrix(sample["labels"]).sum(axis=0)
    for name in SPLITS:
        frame, ratio = splits.frames[name], getattr(RATIOS, name)
        assert abs(len(frame) / len(sample) - ratio) < 0.02
        counts = to_matrix(frame["labels"]).sum(axis=0)
        assert (np.abs(counts - ratio * totals) <= 2 + 0.01 * totals).all()
        assert counts.min() >= 1


def test_pooled_draws_from_the_whole_corpus(sample):
    shares = [
        (frame["official_split"] == "train").mean()
        for frame in split_pooled(sample, GOEMOTIONS, RATIOS, seed=1).frames.values()
    ]
    assert shares == pytest.approx([0.8, 0.8, 0.8], abs=0.06)


def groups_in_several(splits: Splits) -> int:
    """Duplicate groups found in more than one split."""
    groups = [set(frame["duplicate_group"]) for frame in splits.frames.values()]
    return sum(map(len, groups)) - len(set.union(*groups))


def test_pooled_keeps_duplicates_on_one_side():
    spellings = ["same text", "Same text!", "SAME TEXT", " same  text ", "same-text"]
    rows = [(spellings[n % 5], "train", [LABELS[n % 28]]) for n in range(30)]
    rows += [(f"other {n}", "train", [LABELS[n % 28]]) for n in range(170)]
    for seed in range(5):
        splits = split_pooled(corpus(rows), GOEMOTIONS, RATIOS, seed=seed)
        holders = [
            name
            for name, frame in splits.frames.items()
            if frame["text"].map(normalize).eq("sametext").any()
        ]
        assert len(holders) == 1
        assert groups_in_several(splits) == 0


def test_pooled_depends_on_the_seed_alone(sample):
    first, again, other = (split_pooled(sample, GOEMOTIONS, RATIOS, seed) for seed in (5, 5, 6))
    for name in SPLITS:
        pd.testing.assert_frame_equal(first.frames[name], again.frames[name])
    assert set(first.frames["test"]["id"]) != set(other.frames["test"]["id"])


OFFICIAL = corpus(
    [
        ("only here", "train", ["joy"]),
        ("In dev!", "train", ["joy"]),
        ("in TEST", "train", ["love"]),
        ("in both", "train", ["love"]),
        ("twice", "train", ["fear"]),
        ("Twice", "train", ["fear"]),
        ("in dev", "dev", ["joy"]),
        ("in both.", "dev", ["anger"]),
        ("in test", "test", ["love"]),
        ("In test", "test", ["love"]),
        ("in both", "test", ["neutral"]),
    ]
)


def test_official_drops_earlier_rows_and_leaves_test_alone():
    splits = split_official(OFFICIAL)
    assert list(splits.frames) == list(SPLITS)
    texts = {name: frame["text"].tolist() for name, frame in splits.frames.items()}
    assert texts == {
        "train": ["only here", "twice", "Twice"],
        "validation": ["in dev"],
        "test": ["in test", "In test", "in both"],
    }
    assert splits.dropped == {"train": 3, "validation": 1, "test": 0}
    assert all(list(frame.columns) == COLUMNS for frame in splits.frames.values())


def test_summary_counts():
    assert summary(split_official(OFFICIAL)) == {
        "train": 3, "validation": 1, "test": 3, "dropped": 4, "duplicates": 2, "near_duplicates": 0,
    }  # fmt: skip


def test_summary_finds_near_duplicates_across_the_splits():
    splits = split_official(
        corpus(
            [
                ("so good", "train", ["joy"]),
                ("so cold", "train", ["joy"]),
                ("Sooo gooood!", "dev", ["joy"]),
                ("so goooood", "test", ["joy"]),
            ]
        )
    )
    assert summary(splits)["near_duplicates"] == 1


@pytest.mark.skipif(not (REAL / "train.tsv").exists(), reason="GoEmotions is not on this machine")
def test_the_real_corpus():
    rows = tsv.read_corpus(REAL, CORPUS)
    official = split_official(rows)
    assert official.dropped == {"train": 456, "validation": 35, "test": 0}
    pooled = split_pooled(rows, GOEMOTIONS, RATIOS, seed=3407)
    for name in SPLITS:
        assert abs(len(pooled.frames[name]) / len(rows) - getattr(RATIOS, name)) < 0.005
    assert groups_in_several(pooled) == 0
