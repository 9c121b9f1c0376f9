import numpy as np
import pytest
import torch
from ingredients.distillation import DistillationParams, Taught, learn, teach
from scipy.special import expit
from support.training import head, vector_rows, weights

from emotion_slm.common import folds
from emotion_slm.common.seeds import child_seed
from emotion_slm.training.learner import Learner
from emotion_slm.training.losses import binary_cross_entropy
from emotion_slm.training.trainer import train


@pytest.fixture
def rows(separable_vectors):
    return vector_rows(*separable_vectors(24))


@pytest.fixture
def validation(separable_vectors):
    return vector_rows(*separable_vectors(12, seed=1))


@pytest.fixture
def distillation(training_params):
    def make(weight: float = 0.7, **training) -> DistillationParams:
        return DistillationParams(weight=weight, training=training_params(**training))

    return make


@pytest.fixture
def steps(monkeypatch):
    """Function: stop before the step of that number, counted from here over all trainings, and
    the list of steps made."""
    made = []
    gradients = Learner.gradients

    def arm(last: int | None = None) -> list:
        def counted(self, rows, batches, number):
            if last is not None and len(made) == last:
                raise KeyboardInterrupt
            made.append(number)
            return gradients(self, rows, batches, number)

        monkeypatch.setattr(Learner, "gradients", counted)
        return made

    return arm


def build():
    return head(dropout=0.3)


def test_teachers_are_trained_one_by_one_and_speak_for_the_fold_they_have_not_seen(
    rows, validation, training_params, tmp_path
):
    params, loss = training_params(), binary_cross_entropy
    groups = np.arange(rows.count) // 2  # pairs of equal texts
    taught = teach(build, loss, rows, validation, groups, 3, params, 5, tmp_path / "together")
    fold = folds.assign(rows.gold, groups[:, None], 3, child_seed(5, "teacher folds"), groups)
    assert all(len(set(fold[groups == group])) == 1 for group in groups)
    said, sums = np.zeros((rows.count, 28)), 0
    for index in range(3):
        model, seed = build(), child_seed(5, f"teacher {index}")
        seen = rows.part(np.flatnonzero(fold != index))
        train(model, loss, seen, validation, params, seed, tmp_path / str(index))
        with torch.no_grad():
            logits = model.eval()(torch.from_numpy(rows.features))["logits"].numpy()
        said[fold == index] = expit(logits[fold == index])
        sums = sums + torch.nn.utils.parameters_to_vector(model.parameters())
    np.testing.assert_allclose(taught.probabilities, said, atol=1e-6)
    assert taught.probabilities.dtype == np.float32
    mean = torch.cat([taught.weights[name].flatten() for name, _ in model.named_parameters()])
    torch.testing.assert_close(mean, sums.detach() / 3)


def test_what_a_teacher_says_of_a_row_does_not_depend_on_that_rows_gold(
    rows, validation, training_params, tmp_path
):
    params, groups = training_params(learning_rate=3e-2), np.zeros(rows.count, dtype=int)
    groups[: rows.count // 2] = 1  # two folds, whatever the labels
    said = []
    for name, gold in (("given", rows.gold), ("other", rows.gold.copy())):
        if name == "other":
            gold[groups == 1] = np.roll(gold[groups == 1], 1, axis=1)
        taught = teach(
            build, binary_cross_entropy, rows._replace(gold=gold), validation, groups, 2, params, 5,
            tmp_path / name,
        )  # fmt: skip
        said.append(taught.probabilities)
    np.testing.assert_array_equal(said[0][groups == 1], said[1][groups == 1])
    assert np.abs(said[0] - said[1])[groups == 0].max() > 1e-3


def test_a_student_starts_from_the_mean_of_its_teachers_weights(
    rows, validation, distillation, tmp_path
):
    mean = {name: torch.full_like(tensor, 0.25) for name, tensor in weights(head()).items()}
    student = head()
    params = distillation(epochs=1, learning_rate=1e-12)
    taught = Taught(mean, np.zeros((rows.count, 28), dtype=np.float32))
    learn(student, taught, rows, validation, params, 5, tmp_path)
    for name, tensor in weights(student).items():
        torch.testing.assert_close(tensor, mean[name])


def test_a_student_of_its_teachers_alone_learns_what_they_say_not_gold(
    rows, validation, distillation, tmp_path
):
    said = np.roll(rows.gold, 1, axis=1).astype(np.float32)
    validation = validation._replace(gold=np.roll(validation.gold, 1, axis=1))
    student = head()
    params = distillation(weight=1.0, epochs=30, learning_rate=3e-2)
    learn(student, Taught(weights(head()), said), rows, validation, params, 5, tmp_path)
    with torch.no_grad():
        logits = student(torch.from_numpy(rows.features))["logits"].numpy()
    assert np.array_equal(logits.argmax(axis=1), said.argmax(axis=1))


def test_targets_mix_teachers_and_gold(rows, validation, distillation, tmp_path, monkeypatch):
    seen = {}
    monkeypatch.setattr(
        "ingredients.distillation.train",
        lambda model, loss, rows, *rest: seen.update(gold=rows.gold, loss=loss),
    )
    said = np.full((rows.count, 28), 0.5, dtype=np.float32)
    taught = Taught(weights(head()), said)
    learn(head(), taught, rows, validation, distillation(weight=0.75), 5, tmp_path)
    np.testing.assert_allclose(seen["gold"], 0.375 + 0.25 * rows.gold)
    assert seen["gold"].dtype == np.float32 and seen["loss"] is binary_cross_entropy


@pytest.mark.parametrize("folds", [True, False])
def test_an_interrupted_distillation_ends_in_the_same_bits_and_trains_no_teacher_twice(
    folds, rows, validation, distillation, steps, tmp_path
):
    groups = np.arange(rows.count) if folds else None
    params = distillation()

    def distilled(name: str) -> dict:
        place, student = tmp_path / name, build()
        common = rows, validation
        taught = teach(build, binary_cross_entropy, *common, groups, 2, params.training, 3, place)
        learn(student, taught, *common, params, 3, place / "student")
        return weights(student)

    made = steps()
    undisturbed = distilled("undisturbed")
    last, epoch = len(made), -(-rows.count // params.training.batch_size)
    assert params.training.epochs == 2 and last > 2 * epoch
    made.clear()
    steps(last - 2)
    with pytest.raises(KeyboardInterrupt):
        distilled("disturbed")
    made.clear()
    steps()
    disturbed = distilled("disturbed")
    assert len(made) == epoch  # the student's second
    assert all(torch.equal(disturbed[name], undisturbed[name]) for name in undisturbed)


def test_teachers_without_folds_see_every_row_and_speak_as_one(
    rows, validation, training_params, tmp_path
):
    params, loss = training_params(), binary_cross_entropy
    taught = teach(build, loss, rows, validation, None, 2, params, 5, tmp_path / "together")
    said = []
    for index in range(2):
        model, seed = build(), child_seed(5, f"teacher {index}")
        train(model, loss, rows, validation, params, seed, tmp_path / str(index))
        with torch.no_grad():
            said.append(expit(model.eval()(torch.from_numpy(rows.features))["logits"].numpy()))
    np.testing.assert_allclose(taught.probabilities, np.mean(said, axis=0), atol=1e-6)
