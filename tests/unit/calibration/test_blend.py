import numpy as np
import pytest
from scipy.special import expit, logit

from emotion_slm.calibration.choice import negative_log_likelihood
from emotion_slm.calibration.maps import Blend
from emotion_slm.common.errors import EmotionSlmError


def test_log_odds_are_the_mean_of_both(scored):
    gold, logits = scored
    blend = Blend.fit(logits, gold)
    odds = [logit(part.apply(logits)) for part in (blend.platt, blend.isotonic)]
    assert blend.apply(logits) == pytest.approx(expit((odds[0] + odds[1]) / 2))


def test_it_is_more_likely_than_either_where_the_truth_is_no_sigmoid():
    """A curve that Platt's cannot follow, and too few rows for isotonic regression's steps."""
    random = np.random.default_rng(0)
    fit, unseen = (random.normal(0, 2, (600, 28)) for _ in range(2))

    def truth(scores):
        return 0.02 + 0.8 * expit(1.5 * scores - 1)

    gold = (random.random(fit.shape) < truth(fit)).astype(np.int8)
    answers = (random.random(unseen.shape) < truth(unseen)).astype(np.int8)
    blend = Blend.fit(fit, gold)
    nll = [
        negative_log_likelihood(answers, one.apply(unseen))
        for one in (blend, blend.platt, blend.isotonic)
    ]
    assert nll[0] < min(nll[1:])


def test_a_label_of_one_class_and_any_logit_stay_finite(scored):
    gold, logits = scored
    gold[:, 3] = 0
    gold[:, 4] = 1
    probabilities = Blend.fit(logits, gold).apply(logits * 1e6)
    assert ((probabilities > 0) & (probabilities < 1)).all()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda content: content.pop("platt"), "here.json: expected an object 'platt'"),
        (lambda content: content.update(isotonic=[1]), "here.json: expected an object 'isotonic'"),
        (lambda content: content["platt"].pop("joy"), "here.json: platt: .*'joy'"),
        (lambda content: content["isotonic"]["joy"].clear(), "here.json: isotonic: joy"),
    ],
)
def test_damaged_content_is_named(scored, change, named):
    gold, logits = scored
    content = Blend.fit(logits, gold).to_dict()
    change(content)
    with pytest.raises(EmotionSlmError, match=named):
        Blend.from_dict(content, "here.json")
