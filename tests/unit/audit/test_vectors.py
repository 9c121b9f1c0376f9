import numpy as np
import pytest
from support.leaks import append, drop, edit, move, reset, rewrite

from emotion_slm.audit.leaks import LEAKS as PARTS
from emotion_slm.audit.vectors import sample_seed
from emotion_slm.common import files
from emotion_slm.common.errors import EmotionSlmError

VECTORS = "data/embedded/vectors.npy"
INDEX = "data/embedded/index.parquet"


def check(root) -> dict:
    return PARTS["vectors"](root)


def change_vectors(change):
    def plant(root):
        files.write_array(root / VECTORS, change(np.array(files.read_array(root / VECTORS))))

    return plant


def foreign(vectors: np.ndarray) -> np.ndarray:
    """Vectors as another encoder might make them: of the same spread."""
    noise = np.random.default_rng(0).normal(size=vectors.shape)
    return (vectors.mean(axis=0) + noise * vectors.std(axis=0)).astype(np.float32)


LEAKS = {
    "vectors of another encoder": (
        change_vectors(foreign), "sampled_vectors_not_of_their_text", 64,
    ),
    "vectors rounded to half precision": (
        change_vectors(lambda v: v.astype(np.float16).astype(np.float32)),
        "sampled_vectors_not_of_their_text", 64,
    ),
    "a vector too many": (
        change_vectors(lambda v: np.concatenate([v, v[:1]])), "embedded_rows_not_of_the_corpus", 1,
    ),
    "an id that is nobody's": (
        append(INDEX, INDEX, 7, id="nobody"), "embedded_rows_not_of_the_corpus", 1,
    ),
    "vectors scaled": (
        change_vectors(lambda vectors: vectors * 1.1), "sampled_vectors_not_of_their_text", 64,
    ),
    "a vector that is no number": (move(VECTORS, 7, np.nan), "rows_with_vector_not_finite", 1),
    "a vector without end": (move(VECTORS, 7, np.inf), "rows_with_vector_not_finite", 1),
    "a row that was never embedded": (drop(INDEX, 7), "rows_without_vector", 1),
    "a row beyond the vectors": (edit(INDEX, 7, row=10**6), "rows_without_vector", 1),
    "an id embedded twice": (append(INDEX, INDEX, 7), "embedded_ids_repeated", 1),
    "two texts with one vector": (
        edit(INDEX, 7, row=8), "rows_sharing_a_vector_with_another_text", 2,
    ),
    "another pooling": (
        reset("data/embedded/config.json", "pooling", value="last"),
        "embedded_by_another_encoder", 1,
    ),
    "another encoder in the config": (
        reset("data/embedded/config.json", "sha256", value="0" * 64),
        "embedded_by_another_encoder", 1,
    ),
}  # fmt: skip


def test_clean_vectors_pass(audited):
    result = check(audited)
    assert result["passed"] is True
    assert result["findings"] == {"rows_embedded_anew": 64}


@pytest.mark.parametrize("leak", LEAKS)
def test_planted_leak_is_counted(audited, leak):
    plant, rule, count = LEAKS[leak]
    plant(audited)
    result = check(audited)
    assert result["must_be_zero"][rule] == count
    assert result["passed"] is False


def test_rows_exchanged_in_the_index_are_found(audited):
    rewrite(INDEX, lambda frame: frame.assign(row=np.roll(frame["row"], 1)))(audited)
    assert check(audited)["must_be_zero"]["sampled_vectors_not_of_their_text"] > 50


def test_vectors_of_the_encoder_before_adaptation_are_found(audited):
    reset("models/adapted/config.json", "frozen", value=True)(audited)
    assert check(audited)["must_be_zero"]["sampled_vectors_not_of_their_text"] == 64


def test_vectors_of_another_width_are_refused(audited):
    change_vectors(lambda vectors: vectors[:, :-1])(audited)
    with pytest.raises(EmotionSlmError, match=r"vectors\.npy: vectors of 31 numbers.*makes 32"):
        check(audited)


def test_the_rounding_of_single_precision_is_no_alteration(audited):
    change_vectors(lambda v: v * np.float32(1 + 1e-6))(audited)
    assert check(audited)["passed"]


def test_an_altered_vector_draws_another_sample(audited):
    before = sample_seed(audited)
    move(VECTORS, 0, 1e-6)(audited)
    assert sample_seed(audited) != before


def test_the_sample_is_the_same_on_every_run(audited):
    change_vectors(foreign)(audited)
    assert check(audited) == check(audited)
