from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from ingredients.arms import Arm, divergence, objective, reading, settings, targets
from ingredients.folds import fold_of, parts, rows_in_no_test
from ingredients.folds import outcome as fold_outcome
from ingredients.screen import Setting, append, arms, done, judge, outcome
from ingredients.tables import compared, read_results
from ruamel.yaml import YAML
from support.labels import CORPUS, GOEMOTIONS, LABELS
from support.training import text_rows

from emotion_slm.common import paths
from emotion_slm.common.params import Document
from emotion_slm.common.seeds import child_seed
from emotion_slm.corpus.params import SplitParams
from emotion_slm.corpus.sample import write_sample
from emotion_slm.corpus.split import normalize, split_pooled
from emotion_slm.corpus.tsv import read_corpus
from emotion_slm.encoder.adapted import build_encoder
from emotion_slm.encoder.params import AdaptParams, EncoderParams
from emotion_slm.encoder.text_classifier import Tokenizer
from emotion_slm.evaluation.params import EvaluateParams
from emotion_slm.training.losses import binary_cross_entropy

FOLDER = Path("experiments/ingredients")
FOLDS = YAML(typ="safe").load(FOLDER / "folds.yaml")
DOCUMENT = Document.read().with_profile("minilm")
ENCODER = DOCUMENT.section("encoder", EncoderParams)
ADAPT = DOCUMENT.section("adapt", AdaptParams)
PARAMS = YAML(typ="safe").load(FOLDER / "params.yaml")
SHARED = {"epochs": 2, "precision": "float32"}


@pytest.fixture
def model(tiny_bert, encoder_params):
    torch.manual_seed(0)
    return build_encoder(encoder_params(tiny_bert), None, 0.1, LABELS)


@pytest.fixture
def inputs():
    return {
        "input_ids": torch.tensor([[2, 4, 8, 3], [2, 5, 3, 0]]),
        "attention_mask": torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0]]),
    }


def test_an_arm_differs_from_the_profile_in_what_it_names():
    arm = Arm("x", training={"learning_rate": 1e-3}, loss={"name": "bce"}, pooling="last")
    encoder, adapt = settings(arm, ENCODER, ADAPT, SHARED)
    expected = ADAPT.model_dump() | {"soup": None}
    expected["training"] |= {**SHARED, "learning_rate": 1e-3}
    assert adapt.model_dump() == expected | {"loss": {"name": "bce"}}
    assert encoder == ENCODER.model_copy(update={"pooling": "last"})


def test_every_arm_of_params_is_complete_and_named_once():
    found = list(arms(PARAMS))
    assert len({(arm.name, seed) for arm, seed in found}) == len(found)
    for arm, _ in found:
        settings(arm, ENCODER, ADAPT, SHARED)


@pytest.fixture(scope="module")
def unseen(tmp_path_factory):
    """A workspace with the sample corpus, and its rows that are in no test set."""
    workspace = tmp_path_factory.mktemp("workspace")
    write_sample(Path("corpora/sample/phrases.yaml"), CORPUS, workspace / paths.RAW, seed=0)
    return workspace, rows_in_no_test(workspace, DOCUMENT)


def test_no_row_of_the_folds_has_a_text_of_a_test_set(unseen):
    workspace, frame = unseen
    corpus = read_corpus(workspace / paths.RAW, CORPUS)
    ratios = DOCUMENT.section("split", SplitParams).ratios
    pooled = split_pooled(corpus, GOEMOTIONS, ratios, child_seed(DOCUMENT.seed, "split")).frames[
        "test"
    ]
    official = corpus[corpus["official_split"] == "test"]
    seen = {normalize(text) for text in [*pooled["text"], *official["text"]]}
    assert len(frame) > 100 and seen.isdisjoint(map(normalize, frame["text"]))
    assert len(frame) > len(corpus) - len(pooled) - len(official) - 100


def test_every_row_is_judged_once_and_never_by_a_model_that_it_trained_or_chose(unseen, tiny_bert):
    frame = unseen[1]
    fold = fold_of(frame, FOLDS["folds"], FOLDS["fold_seed"])
    judged = []
    for held_out in range(FOLDS["folds"]):
        params = FOLDS | {"selection_rows": 50}
        part = parts(frame, fold, held_out, params, Tokenizer(tiny_bert, 64))
        ids = {name: set(getattr(part, name).ids) for name in ("train", "selection", "judged")}
        assert len(ids["selection"]) == 50 and set.union(*ids.values()) == set(frame["id"])
        assert sum(map(len, ids.values())) == len(frame)
        texts = {name: set(frame["duplicate_group"][frame["id"].isin(ids[name])]) for name in ids}
        assert texts["judged"].isdisjoint(texts["train"] | texts["selection"])
        judged += part.judged.ids
        assert len(part.groups) == part.train.count
    assert sorted(judged) == sorted(frame["id"])


def test_smoothing_keeps_the_middle_and_draws_the_ends_in():
    gold = np.eye(28, dtype=np.int8)[:2]
    soft = targets(Arm("x", smoothing=0.05), gold)
    assert soft.dtype == np.float32
    np.testing.assert_allclose(np.unique(soft), [0.05, 0.95], rtol=1e-6)


def test_correlated_labels_share_a_target():
    gold = np.zeros((4, 28), dtype=np.int8)
    gold[0, [1, 2]] = gold[1, 1] = gold[2, 2] = gold[3, 5] = 1
    soft = targets(Arm("x", correlation=0.2), gold)
    assert soft[1, 2] == pytest.approx(0.2 * 0.5)  # half of label 1's rows have label 2
    assert soft[0, 1] == soft[0, 2] == 1 and soft[3].sum() == 1


def test_more_masks_or_passes_are_the_same_model_where_nothing_is_dropped(model, inputs):
    expected = model.eval()(**inputs).logits
    gold = torch.zeros(2, 28)
    for arm in (Arm("many", dropout_samples=3), Arm("two", r_drop=1.0)):
        changed = reading(arm, model)
        torch.testing.assert_close(changed.eval()(**inputs).logits, expected)
        for module in changed.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        logits = changed.train()(**inputs)["logits"]
        times = arm.dropout_samples if arm.r_drop == 0 else 2
        torch.testing.assert_close(logits, expected.repeat(times, 1))
        value = objective(arm, binary_cross_entropy)(logits, gold)
        torch.testing.assert_close(value, binary_cross_entropy(expected, gold))


def test_the_divergence_is_half_the_symmetric_one_of_bernoullis():
    p, q = torch.tensor([0.2]), torch.tensor([0.6])
    by_hand = 0.0
    for one, other in ((p, q), (q, p)):
        by_hand += one * (one / other).log() + (1 - one) * ((1 - one) / (1 - other)).log()
    torch.testing.assert_close(divergence(p.logit(), q.logit()), by_hand.squeeze() / 2)


def test_r_drop_pays_for_passes_that_differ():
    gold = torch.zeros(1, 28)
    apart = torch.cat([torch.zeros(1, 28), torch.full((1, 28), -1.0)])
    plain = objective(Arm("x"), binary_cross_entropy)(apart, gold)
    paid = objective(Arm("x", r_drop=2.0), binary_cross_entropy)(apart, gold)
    assert paid - plain == pytest.approx(float(2 * divergence(*apart.chunk(2))))


@pytest.mark.parametrize("arm", [Arm("base"), Arm("distilled", teachers=2), Arm("r", r_drop=1.0)])
def test_an_arm_is_trained_and_judged(
    arm, tiny_bert, encoder_params, emotion_frame, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    rows = [text_rows(emotion_frame(count, seed), tiny_bert) for seed, count in enumerate((12, 8))]
    thresholds = DOCUMENT.section("evaluate", EvaluateParams).thresholds
    setting = Setting(
        encoder_params(tiny_bert), ADAPT, SHARED, rows[0], rows[1], rows[1], thresholds,
        Tokenizer(tiny_bert, 64),
    )  # fmt: skip
    result = outcome(arm, 0, setting)
    assert 0 < result.validation_map <= 1 and 0 <= result.macro_f1 <= 1 and result.nll > 0


@pytest.mark.parametrize(
    "arm",
    [
        Arm("one"),
        Arm("named", head="definitions"),
        Arm("t", teachers=2),
        Arm("c", teachers=2, cross_fitted=True),
    ],
)
def test_an_arm_is_trained_and_judged_on_a_fold(
    arm, unseen, tiny_bert, encoder_params, tmp_path, monkeypatch
):
    frame = unseen[1].iloc[:60]
    params = FOLDS | {"selection_rows": 10, "precision": "float32"}
    tokenizer = Tokenizer(tiny_bert, 64)
    fold = parts(frame, np.arange(60) % 5, 0, params, tokenizer)
    sections = {"encoder": encoder_params(tiny_bert), "adapt": ADAPT}
    document = SimpleNamespace(
        section=lambda name, kind: sections.get(name) or DOCUMENT.section(name, kind)
    )
    monkeypatch.chdir(tmp_path)
    result = fold_outcome(arm, 0, fold, params, document, tokenizer)
    assert 0 < result.validation_map <= 1 and result.nll > 0
    assert np.load(next(Path().rglob("logits.npy"))).shape == (12, 28)


def test_perfect_logits_are_judged_perfect(separable_vectors):
    _, gold = separable_vectors(60)
    thresholds = DOCUMENT.section("evaluate", EvaluateParams).thresholds
    result = judge(np.where(gold > 0, 9.0, -9.0), gold, thresholds, 1.5)
    assert result.validation_map == 1 and result.seconds == 1.5
    assert result.macro_f1 == pytest.approx(4 / 28)  # the labels without a positive score 0


def test_a_line_is_found_again(tmp_path):
    path = tmp_path / "results.csv"
    result = judge(np.zeros((10, 28)), np.eye(28, dtype=np.int8)[:10], _thresholds(), 3.2)
    append(path, "base", 0, result)
    append(path, "R-Drop", 0, result)
    assert done(path) == {("base", 0), ("R-Drop", 0)}
    assert read_results(path)[1]["seconds"] == "3"


def _thresholds():
    return DOCUMENT.section("evaluate", EvaluateParams).thresholds


def test_differences_are_those_of_shared_seeds():
    def row(arm, seed, score):
        scores = {"validation_map": score, "macro_f1": "0.5", "nll": "0.0945"}
        return {"arm": arm, "seed": seed, **scores, "seconds": "1"}

    results = [row("base", "0", "0.400"), row("base", "1", "0.420"), row("x", "0", "0.390")]
    assert compared(results, "base", "seeds").splitlines()[2:] == [
        "| base | 2 | .410 | .500 | .0945 |  |  |",
        "| x | 1 | .390 | .500 | .0945 | −.010 | +.000 |",
    ]
    results += [row("x", "1", "0.420"), row("x", "2", "0.900")]
    assert "| −.005 (−.010 to +.000) |" in compared(results, "base", "seeds").splitlines()[3]


@pytest.mark.parametrize("name", ["results", "folds"])
def test_results_are_of_arms_that_params_name(name):
    named = {
        "results": {(arm.name, str(seed)) for arm, seed in arms(PARAMS)}
        | {(name, "0") for name in PARAMS["finished"]},
        "folds": {(arm["name"], str(fold)) for arm in FOLDS["arms"] for fold in FOLDS["run"]},
    }[name]
    found = [(row["arm"], row["seed"]) for row in read_results(FOLDER / f"{name}.csv")]
    assert found and set(found) <= named and len(set(found)) == len(found)
