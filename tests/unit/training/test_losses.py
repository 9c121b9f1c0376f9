import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from support.labels import GOEMOTIONS, LABEL_INDEX, LABELS

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.corpus.labels import LabelSet
from emotion_slm.training.losses import (
    asymmetric,
    binary_cross_entropy,
    build_loss,
    focal,
)
from emotion_slm.training.params import AsymmetricLoss, BceLoss, CrossEntropyLoss, FocalLoss

LOGITS = [[0.3, -1.2, 2.5], [-0.7, 4.0, 0.0]]
GOLD = [[1, 0, 0], [0, 1, 1]]
ALPHA = [0.75, 0.25, 0.6]

LOSSES = [
    BceLoss(name="bce"),
    FocalLoss(name="focal", gamma=2.0, alpha_targets=0.75, alpha_rest=0.25),
    FocalLoss(name="focal", gamma=0.0, alpha_targets=0.75, alpha_rest=0.25),
    FocalLoss(name="focal", gamma=0.5, alpha_targets=0.75, alpha_rest=0.25),
    AsymmetricLoss(name="asymmetric", gamma_positive=0.0, gamma_negative=2.0, clip=0.05),
    AsymmetricLoss(name="asymmetric", gamma_positive=1.0, gamma_negative=4.0, clip=0.0),
    AsymmetricLoss(name="asymmetric", gamma_positive=0.5, gamma_negative=0.5, clip=0.05),
]


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def mean_by_entry(entry) -> float:
    cells = [
        entry(x, y, column)
        for row, golds in zip(LOGITS, GOLD, strict=True)
        for column, (x, y) in enumerate(zip(row, golds, strict=True))
    ]
    return sum(cells) / len(cells)


def random_batch(rows: int = 8) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(5)
    logits = 4 * torch.randn(rows, len(LABELS), generator=generator)
    return logits, (torch.rand(rows, len(LABELS), generator=generator) < 0.3).float()


def test_binary_cross_entropy_by_hand():
    expected = mean_by_entry(
        lambda x, y, _: -math.log(sigmoid(x)) if y else -math.log(1 - sigmoid(x))
    )
    found = binary_cross_entropy(torch.tensor(LOGITS), torch.tensor(GOLD))
    assert found.item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("gamma", [0.0, 1.0, 2.0, 3.5])
def test_focal_by_hand(gamma):
    def entry(x, y, column):
        p_t = sigmoid(x) if y else 1 - sigmoid(x)
        alpha_t = ALPHA[column] if y else 1 - ALPHA[column]
        return -alpha_t * (1 - p_t) ** gamma * math.log(p_t)

    found = focal(torch.tensor(LOGITS), torch.tensor(GOLD), torch.tensor(ALPHA), gamma)
    assert found.item() == pytest.approx(mean_by_entry(entry), rel=1e-5)


@pytest.mark.parametrize(
    ("gamma_positive", "gamma_negative", "clip"),
    [(0.0, 2.0, 0.05), (1.0, 4.0, 0.05), (0.0, 0.0, 0.2), (1.0, 2.0, 0.0), (0.0, 1.0, 0.3)],
)
def test_asymmetric_by_hand(gamma_positive, gamma_negative, clip):
    def entry(x, y, _):
        if y:
            return -((1 - sigmoid(x)) ** gamma_positive) * math.log(sigmoid(x))
        shifted = max(sigmoid(x) - clip, 0)
        return -(shifted**gamma_negative) * math.log(1 - shifted)

    found = asymmetric(
        torch.tensor(LOGITS), torch.tensor(GOLD), gamma_positive, gamma_negative, clip
    )
    assert found.item() == pytest.approx(mean_by_entry(entry), rel=1e-5)


def test_focal_without_focus_or_weight_is_half_of_bce():
    logits, gold = random_batch()
    half = torch.full((len(LABELS),), 0.5)
    torch.testing.assert_close(
        focal(logits, gold, half, 0.0), binary_cross_entropy(logits, gold) / 2
    )


def test_asymmetric_without_focus_or_shift_is_bce():
    logits, gold = random_batch()
    torch.testing.assert_close(
        asymmetric(logits, gold, 0.0, 0.0, 0.0), binary_cross_entropy(logits, gold)
    )


def test_focus_lowers_the_share_of_easy_entries():
    gold = torch.tensor([[1.0]])
    alpha = torch.tensor([0.5])

    def ratio(gamma):
        easy, hard = (focal(torch.tensor([[x]]), gold, alpha, gamma).item() for x in (3.0, -3.0))
        return easy / hard

    assert ratio(2.0) < ratio(1.0) < ratio(0.0)


def test_negatives_below_the_shift_cost_nothing():
    gold = torch.zeros(1, 1)
    assert asymmetric(torch.tensor([[-3.0]]), gold, 0.0, 2.0, 0.05).item() == 0
    assert asymmetric(torch.tensor([[-2.9]]), gold, 0.0, 2.0, 0.05).item() > 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("params", LOSSES, ids=lambda params: str(params.model_dump()))
def test_finite_at_extreme_logits(params, dtype):
    extremes = torch.tensor([[50.0], [-50.0], [0.0], [17.0], [-17.0]]).expand(5, len(LABELS))
    for gold in (torch.zeros(5, len(LABELS)), torch.ones(5, len(LABELS))):
        logits = extremes.to(dtype).clone().requires_grad_()
        loss = build_loss(params, GOEMOTIONS)(logits, gold)
        loss.backward()
        assert loss.dtype == torch.float32
        assert torch.isfinite(loss) and loss >= 0
        assert torch.isfinite(logits.grad).all()
        # Wherever there is a slope it pulls towards gold.
        assert ((logits.grad * (2 * gold - 1)) <= 0).all()


@pytest.mark.parametrize("params", LOSSES, ids=lambda params: str(params.model_dump()))
def test_gradient_matches_finite_differences(params):
    logits, gold = random_batch(rows=2)
    logits.requires_grad_()
    loss = build_loss(params, GOEMOTIONS)
    loss(logits, gold).backward()
    step = 1e-2
    for column in (0, 5, 27):
        up, down = logits.detach().clone(), logits.detach().clone()
        up[0, column] += step
        down[0, column] -= step
        slope = (loss(up, gold) - loss(down, gold)) / (2 * step)
        # The clipped loss has a kink that a difference quotient smooths.
        assert logits.grad[0, column].item() == pytest.approx(slope.item(), rel=0.05, abs=2e-5)


def test_focal_alpha_is_per_label():
    params = FocalLoss(name="focal", gamma=0.0, alpha_targets=0.8, alpha_rest=0.1)
    loss = build_loss(params, GOEMOTIONS)
    logits = torch.zeros(1, len(LABELS))

    def positive_cost(label):
        gold = torch.zeros(1, len(LABELS))
        base = loss(logits, gold).item()
        gold[0, LABEL_INDEX[label]] = 1
        return (loss(logits, gold).item() - base) * len(LABELS) / math.log(2)

    # A positive costs alpha where a negative costs 1 − alpha.
    assert positive_cost("fear") == pytest.approx(0.8 - 0.2, abs=1e-4)
    assert positive_cost("love") == pytest.approx(0.8 - 0.2, abs=1e-4)
    assert positive_cost("neutral") == pytest.approx(0.1 - 0.9, abs=1e-4)
    assert positive_cost("gratitude") == pytest.approx(0.1 - 0.9, abs=1e-4)


def test_build_loss_passes_the_asymmetric_parameters_in_place():
    logits, gold = random_batch()
    params = AsymmetricLoss(name="asymmetric", gamma_positive=1.0, gamma_negative=3.0, clip=0.1)
    torch.testing.assert_close(
        build_loss(params, GOEMOTIONS)(logits, gold), asymmetric(logits, gold, 1.0, 3.0, 0.1)
    )
    assert build_loss(params, GOEMOTIONS)(logits, gold) != asymmetric(logits, gold, 3.0, 1.0, 0.1)


def test_integer_gold_gives_the_same_loss():
    logits, gold = random_batch()
    for params in LOSSES:
        loss = build_loss(params, GOEMOTIONS)
        torch.testing.assert_close(loss(logits, gold.to(torch.int8)), loss(logits, gold))


SINGLE = LabelSet(("a", "b", "c"), single=True)


def rows_of_one(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """(50, 3) logits, and gold with exactly one label a row, the last one rare."""
    random = np.random.default_rng(seed)
    gold = np.eye(3)[random.choice(3, 50, p=[0.6, 0.3, 0.1])]
    return torch.from_numpy(random.normal(size=(50, 3))).float(), torch.from_numpy(gold).float()


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy_is_torch_s(smoothing):
    logits, gold = rows_of_one()
    params = CrossEntropyLoss(name="cross_entropy", smoothing=smoothing)
    found = build_loss(params, SINGLE)(logits, gold)
    expected = F.cross_entropy(logits, gold.argmax(dim=1), label_smoothing=smoothing)
    assert found.item() == pytest.approx(expected.item(), rel=1e-6)


def test_balanced_classes_weigh_the_same_in_all():
    logits, gold = rows_of_one()
    params = CrossEntropyLoss(name="cross_entropy", class_weights="balanced")
    found = build_loss(params, SINGLE, gold.numpy())(logits, gold)
    of_row = F.cross_entropy(logits, gold.argmax(dim=1), reduction="none")
    of_class = [of_row[gold[:, label] > 0].mean() for label in range(3)]
    assert found.item() == pytest.approx(torch.stack(of_class).mean().item(), rel=1e-5)


def test_focusing_spares_easy_rows():
    logits, gold = rows_of_one()
    plain, focused = (
        build_loss(CrossEntropyLoss(name="cross_entropy", focusing=focusing), SINGLE)
        for focusing in (0.0, 2.0)
    )
    p = (torch.softmax(logits, dim=1) * gold).sum(dim=1)
    assert focused(logits, gold).item() == pytest.approx(
        (-((1 - p) ** 2) * p.log()).mean().item(), rel=1e-5
    )
    easy = torch.tensor([[9.0, 0.0, 0.0]]), torch.tensor([[1.0, 0.0, 0.0]])
    assert focused(*easy) < 1e-3 * plain(*easy)


@pytest.mark.parametrize(
    ("params", "labels", "remedy"),
    [
        (BceLoss(name="bce"), SINGLE, "use cross_entropy"),
        (CrossEntropyLoss(name="cross_entropy"), GOEMOTIONS, "use bce or focal or asymmetric"),
    ],
)
def test_a_loss_of_the_other_task_is_refused_with_a_remedy(params, labels, remedy):
    with pytest.raises(EmotionSlmError, match=remedy):
        build_loss(params, labels)
