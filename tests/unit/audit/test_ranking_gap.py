import numpy as np
import pytest
from support.labels import GOEMOTIONS, LABELS

from emotion_slm.audit.ranking_gap import likelihood_gap, ranking_gap
from emotion_slm.common.ranking import average_precisions
from emotion_slm.evaluation.evaluate import Scored


def scored(rows: int, seed: int, effect: float = 1.0, first_group: int = 0) -> Scored:
    """Rows whose logits lie `effect` standard deviations higher where the label is set."""
    random = np.random.default_rng(seed)
    gold = (random.random((rows, len(LABELS))) < np.linspace(0.005, 0.3, len(LABELS))).astype(
        np.int8
    )
    logits = (random.normal(size=gold.shape) + effect * gold).astype(np.float32)
    return Scored(logits, gold, np.arange(first_group, first_group + rows), GOEMOTIONS)


def test_average_precision_is_scikit_learns():
    validation, test = scored(500, 1), scored(400, 2, first_group=500)
    gap = ranking_gap(validation, test, seed=0)
    both = validation.gold.any(axis=0) & test.gold.any(axis=0)
    for value, split in ((gap.validation, validation), (gap.test, test)):
        assert value == pytest.approx(average_precisions(split.gold, split.logits)[both].mean())


def test_honest_models_stay_below_the_limit():
    deviations = [
        ranking_gap(scored(150, seed), scored(150, 1000 + seed, first_group=150), seed).deviations
        for seed in range(12)
    ]
    assert max(np.abs(deviations)) < 4
    assert 0.4 < np.std(deviations) < 1.8


def test_test_rows_that_were_trained_on_stand_out():
    gap = ranking_gap(scored(600, 1), scored(600, 2, effect=1.6, first_group=600), seed=0)
    assert gap.test > gap.validation and gap.deviations > 5


def test_validation_ranked_better_is_negative():
    gap = ranking_gap(scored(600, 1, effect=1.6), scored(600, 2, first_group=600), seed=0)
    assert gap.deviations < -5


def test_rows_of_one_group_are_dealt_out_together():
    """Ten copies of each row widen what chance makes, so the same difference is less odd."""
    validation, test = scored(60, 1), scored(60, 2, effect=1.8, first_group=60)

    def copied(split: Scored, groups: bool) -> Scored:
        logits, gold = (np.repeat(part, 10, axis=0) for part in split[:2])
        own = np.arange(len(gold)) + 10 * split.groups[0]
        return Scored(logits, gold, np.repeat(split.groups, 10) if groups else own, GOEMOTIONS)

    together = ranking_gap(copied(validation, True), copied(test, True), seed=0)
    apart = ranking_gap(copied(validation, False), copied(test, False), seed=0)
    assert together.deviations < 0.6 * apart.deviations


def test_tied_scores_favour_no_split():
    flat = [
        split._replace(logits=np.zeros_like(split.logits))
        for split in (scored(300, 1), scored(300, 2, first_group=300))
    ]
    assert abs(ranking_gap(*flat, seed=0).deviations) < 4


def test_nothing_to_compare_is_no_gap():
    validation, test = scored(3, 1), scored(3, 2, first_group=3)
    nothing = [split._replace(gold=np.zeros_like(split.gold)) for split in (validation, test)]
    assert ranking_gap(*nothing, seed=0) == (0.0, 0.0, 0.0)


def test_numbers_of_groups_are_of_one_split_alone():
    """As of corpora with conversations, which are counted from 0 in each split."""
    validation, test = scored(200, 1), scored(200, 2, effect=1.6)
    elsewhere = test._replace(groups=test.groups + 200)
    assert ranking_gap(validation, test, 0) == ranking_gap(validation, elsewhere, 0)
    assert ranking_gap(validation, test, 0).deviations > 3
    honest = scored(200, 3).logits, scored(200, 4).logits
    gap = likelihood_gap((validation, test), honest, 0)
    assert np.isfinite(gap).all() and gap.deviations > 3
    assert gap == likelihood_gap((validation, elsewhere), honest, 0)
