import re
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from support.labels import LABELS
from support.training import (
    assert_same_weights,
    collate,
    head,
    text_rows,
    vector_rows,
    weights,
)

from emotion_slm.backbone.params import LoraParams
from emotion_slm.classifier.architectures import HeadClassifier
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.encoder.adapted import build_encoder
from emotion_slm.training import trainer as trainer_module
from emotion_slm.training.batches import epoch_batches
from emotion_slm.training.curve import Epoch, best
from emotion_slm.training.learner import Learner
from emotion_slm.training.losses import binary_cross_entropy
from emotion_slm.training.trainer import Training, summary, train
from emotion_slm.training.validation import Validation


@pytest.fixture
def interrupt(monkeypatch):
    """Function: make every following `train` stop before a step (from 0), until undone."""

    def arm(step: int) -> None:
        gradients = Learner.gradients

        def interrupted(self, rows, batches, number):
            if number == step:
                raise KeyboardInterrupt
            return gradients(self, rows, batches, number)

        monkeypatch.setattr(Learner, "gradients", interrupted)

    arm.disarm = monkeypatch.undo
    return arm


def present_macro_f1(logits: np.ndarray, gold: np.ndarray) -> float:
    predicted, present = logits >= 0, gold.any(axis=0)
    hits = (predicted & (gold > 0)).sum(0)
    f1 = 2 * hits / np.maximum(predicted.sum(0) + gold.sum(0), 1)
    assert predicted[:, ~present].sum() == 0
    return float(f1[present].mean())


def test_head_overfits_sixteen_rows(tmp_path, separable_vectors, training_params):
    rows = vector_rows(*separable_vectors(16))
    model = head()
    params = training_params(epochs=40, learning_rate=3e-2)
    curve = train(model, binary_cross_entropy, rows, rows, params, 7, tmp_path).curve
    with torch.no_grad():
        logits = model(**collate(rows.features))["logits"].numpy()
    assert present_macro_f1(logits, rows.gold) == 1.0
    assert [epoch.epoch for epoch in curve] == list(range(1, 41))
    assert curve[-1].train_loss < curve[0].train_loss / 5
    assert best(curve, "map").validation_map == 1.0


def test_text_classifier_overfits_sixteen_rows(
    tmp_path, tiny_bert, encoder_params, emotion_frame, training_params
):
    torch.manual_seed(3)
    model = build_encoder(encoder_params(tiny_bert), None, dropout=0.0, labels=LABELS)
    frame = emotion_frame(16)
    rows = text_rows(frame, tiny_bert)
    params = training_params(
        epochs=40,
        batch_size=4,
        learning_rate=5e-3,
        schedule="constant",
        selection="macro_f1",
    )
    curve = train(model, binary_cross_entropy, rows, rows, params, 7, tmp_path).curve
    with torch.no_grad():
        logits = model.eval()(**rows.collate(rows.features))["logits"].numpy()
    assert present_macro_f1(logits, rows.gold) == 1.0
    # The curve's macro-F1 runs over all 28 labels; only four can score.
    assert max(epoch.validation_macro_f1 for epoch in curve) == pytest.approx(4 / 28, abs=0.01)


def test_bfloat16_learns_too(tmp_path, separable_vectors, training_params):
    rows = vector_rows(*separable_vectors(32))
    params = training_params(epochs=10, learning_rate=3e-2, precision="bfloat16")
    curve = train(head(), binary_cross_entropy, rows, rows, params, 7, tmp_path).curve
    assert curve[-1].train_loss < curve[0].train_loss / 2
    assert curve[-1].validation_map > 0.99


@pytest.fixture
def scripted(monkeypatch):
    """Function: make validation return these (mAP, macro-F1) in turn; the weights it saw."""
    seen = []

    def script(scores: list[tuple[float, float]]) -> list[dict]:
        remaining = iter(scores)
        predict = trainer_module.predict

        def spy(model, *rest):
            seen.append(weights(model))
            return predict(model, *rest)

        monkeypatch.setattr(trainer_module, "predict", spy)
        monkeypatch.setattr(trainer_module, "measure", lambda *_: Validation(0.5, *next(remaining)))
        return seen

    return script


def test_best_epoch_is_kept_not_the_last(tmp_path, separable_vectors, training_params, scripted):
    seen = scripted([(0.1, 0), (0.9, 0), (0.5, 0), (0.9, 0)])
    rows = vector_rows(*separable_vectors(16))
    model = head()
    params = training_params(epochs=4)
    curve = train(model, binary_cross_entropy, rows, rows, params, 7, tmp_path).curve
    assert [epoch.validation_map for epoch in curve] == [0.1, 0.9, 0.5, 0.9]
    assert best(curve, "map").epoch == 2  # a tie goes to the earlier epoch
    assert_same_weights(weights(model), seen[1])
    assert not torch.equal(seen[1]["layers.1.weight"], seen[3]["layers.1.weight"])


def test_the_curve_is_reported_as_it_grows(tmp_path, separable_vectors, training_params):
    rows, reported = vector_rows(*separable_vectors(16)), []
    params = training_params(epochs=3)
    done = train(
        head(), binary_cross_entropy, rows, rows, params, 7, tmp_path,
        lambda curve: reported.append(list(curve)),
    )  # fmt: skip
    assert reported == [done.curve[:epochs] for epochs in range(4)]
    resumed = []
    train(
        head(), binary_cross_entropy, rows, rows, params, 7, tmp_path,
        lambda curve: resumed.append(list(curve)),
    )  # fmt: skip
    assert resumed == [done.curve]


def test_selection_by_macro_f1_ignores_map(tmp_path, separable_vectors, training_params, scripted):
    seen = scripted([(0.9, 0.1), (0.5, 0.6), (0.7, 0.2)])
    rows = vector_rows(*separable_vectors(16))
    model = head()
    params = training_params(epochs=3, selection="macro_f1")
    curve = train(model, binary_cross_entropy, rows, rows, params, 7, tmp_path).curve
    assert best(curve, "macro_f1").epoch == 2
    assert_same_weights(weights(model), seen[1])


def test_patience_stops_after_so_many_epochs_without_a_better_one(
    tmp_path, separable_vectors, training_params, scripted
):
    scripted([(0.1, 0), (0.5, 0), (0.5, 0), (0.4, 0), (0.9, 0)])
    rows = vector_rows(*separable_vectors(16))
    params = training_params(epochs=9, patience=2)
    curve = train(head(), binary_cross_entropy, rows, rows, params, 7, tmp_path).curve
    assert [epoch.epoch for epoch in curve] == [1, 2, 3, 4]
    # A run that had already stopped does not go on when it is resumed.
    assert train(head(), binary_cross_entropy, rows, rows, params, 7, tmp_path).curve == curve


@pytest.mark.parametrize("step", [1, 5, 8, 12, 19])  # five steps an epoch
def test_resumed_run_equals_uninterrupted_bit_for_bit(
    tmp_path, separable_vectors, training_params, interrupt, step
):
    rows = vector_rows(*separable_vectors(18))
    params = training_params(epochs=4, schedule="cosine", warmup_ratio=0.1, checkpoint_steps=3)

    straight = head(dropout=0.3)
    straight_curve = train(
        straight, binary_cross_entropy, rows, rows, params, 7, tmp_path / "a"
    ).curve

    interrupt(step)
    with pytest.raises(KeyboardInterrupt):
        train(head(dropout=0.3), binary_cross_entropy, rows, rows, params, 7, tmp_path / "b")
    interrupt.disarm()
    assert bool(list((tmp_path / "b").glob("checkpoint-*"))) == (step >= 3)
    resumed = head(dropout=0.3)
    if step >= 3:  # the checkpoint holds every weight: what the model came with is nothing
        torch.nn.init.zeros_(resumed.layers[1].weight)
    resumed_curve = train(
        resumed, binary_cross_entropy, rows, rows, params, 7, tmp_path / "b"
    ).curve

    assert_same_weights(weights(resumed), weights(straight))
    assert resumed_curve == straight_curve


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_resumed_text_training_equals_uninterrupted(
    tmp_path, tiny_bert, encoder_params, emotion_frame, training_params, interrupt, precision
):
    frame = emotion_frame(18)
    rows = text_rows(frame, tiny_bert)

    def run(folder):
        torch.manual_seed(3)
        model = build_encoder(encoder_params(tiny_bert), None, dropout=0.1, labels=LABELS)
        params = training_params(epochs=3, precision=precision)
        curve = train(model, binary_cross_entropy, rows, rows, params, 7, folder).curve
        return weights(model), curve

    straight, straight_curve = run(tmp_path / "a")
    interrupt(7)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "b")
    interrupt.disarm()
    resumed, resumed_curve = run(tmp_path / "b")
    assert_same_weights(resumed, straight)
    assert resumed_curve == straight_curve


def test_finished_training_resumes_to_its_best_epoch(tmp_path, separable_vectors, training_params):
    rows = vector_rows(*separable_vectors(16))
    first = head()
    curve = train(first, binary_cross_entropy, rows, rows, training_params(), 7, tmp_path).curve
    again = head()
    assert (
        train(again, binary_cross_entropy, rows, rows, training_params(), 7, tmp_path).curve
        == curve
    )
    assert_same_weights(weights(again), weights(first))


def test_same_seed_same_weights_other_seed_other_weights(
    tmp_path, separable_vectors, training_params
):
    rows = vector_rows(*separable_vectors(16))

    def run(seed, folder):
        model = head()
        train(model, binary_cross_entropy, rows, rows, training_params(), seed, tmp_path / folder)
        return weights(model)

    first = run(7, "a")
    assert_same_weights(first, run(7, "b"))
    assert not torch.equal(first["layers.1.weight"], run(8, "c")["layers.1.weight"])


def test_every_row_is_seen_once_per_epoch_in_a_new_order(
    tmp_path, separable_vectors, training_params
):
    vectors, gold = separable_vectors(10)
    vectors[:, 0] = np.arange(10)
    seen = []

    def spying_collate(features):
        seen.append(np.asarray(features)[:, 0].astype(int).tolist())
        return collate(features)

    validation_rows = vector_rows(vectors, gold)
    train_rows = validation_rows._replace(collate=spying_collate)
    train(
        head(),
        binary_cross_entropy,
        train_rows,
        validation_rows,
        training_params(epochs=3),
        7,
        tmp_path,
    )
    assert [len(batch) for batch in seen] == [4, 4, 2] * 3
    epochs = [[*seen[start], *seen[start + 1], *seen[start + 2]] for start in (0, 3, 6)]
    assert [sorted(epoch) for epoch in epochs] == [list(range(10))] * 3
    assert epochs[0] != epochs[1] != epochs[2]


def nan_on_label_27(logits, gold):
    value = binary_cross_entropy(logits, gold)
    return value * float("nan") if gold[:, 27].any() else value


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("accumulation", [1, 2])
def test_a_loss_that_is_not_a_number_stops_the_run_before_the_weights_move(
    tmp_path, separable_vectors, training_params, monkeypatch, precision, accumulation
):
    vectors, gold = separable_vectors(16)
    rows = vector_rows(vectors, gold)
    poisoned_gold = gold.copy()
    poisoned_gold[5, 27] = 1
    params = training_params(
        epochs=3, checkpoint_steps=1, precision=precision, accumulation=accumulation
    )
    batches = epoch_batches(16, params, 7, 0)
    step = next(n for n, batch in enumerate(batches) if 5 in batch) // accumulation
    updates = []
    update = Learner.update
    monkeypatch.setattr(
        Learner, "update", lambda self, rate: (updates.append(rate), update(self, rate))
    )
    with pytest.raises(EmotionSlmError) as stopped:
        train(head(), nan_on_label_27, rows._replace(gold=poisoned_gold), rows, params, 7, tmp_path)
    assert len(updates) == step
    message = str(stopped.value)
    (bad_batch,) = (batch for batch in batches if 5 in batch)
    named = ", ".join(f"row-{row}" for row in bad_batch)
    assert f"the loss is nan at step {step + 1}, rows {named}; " in message
    kept = f"checkpoint-{step}" if step else "no checkpoint yet"
    assert kept in message
    assert "lower the learning rate" in message


def test_a_gradient_that_is_not_a_number_stops_the_run_too(
    tmp_path, separable_vectors, training_params
):
    rows = vector_rows(*separable_vectors(8))

    def steep(logits, gold):
        # Finite, and so is not its slope: d/dx √x at 0.
        return binary_cross_entropy(logits, gold) + (logits * 0).sum().sqrt()

    with pytest.raises(EmotionSlmError, match=r"gradient's norm is nan at step 1, rows row-\d"):
        train(head(), steep, rows, rows, training_params(), 7, tmp_path)


@pytest.mark.parametrize("rows_count", [4, 16])  # one step an epoch: only validation can see it
def test_absurd_learning_rate_stops_the_run(
    tmp_path, tiny_bert, encoder_params, emotion_frame, training_params, rows_count
):
    model = build_encoder(encoder_params(tiny_bert), None, dropout=0.0, labels=LABELS)
    rows = text_rows(emotion_frame(rows_count), tiny_bert)
    params = training_params(learning_rate=1e30)
    with pytest.raises(EmotionSlmError, match=r"diverged.*rows 0-\d.*learning rate"):
        train(model, binary_cross_entropy, rows, rows, params, 7, tmp_path)


def trained_head(rows, params, folder) -> torch.Tensor:
    model = head()
    train(model, binary_cross_entropy, rows, rows, params, 7, folder)
    return model.layers[1].weight.detach()


def test_accumulated_batches_equal_one_batch_of_all_their_rows(
    tmp_path, separable_vectors, training_params
):
    rows = vector_rows(*separable_vectors(18))  # 18 = 2 × 8 + 2: the last step is a short one
    whole = trained_head(rows, training_params(batch_size=8), tmp_path / "whole")
    halves = training_params(batch_size=4, accumulation=2)
    torch.testing.assert_close(trained_head(rows, halves, tmp_path / "halves"), whole)
    # 3 + 3 + 2 rows: batches of one step differ in size, rows weigh the same.
    uneven = vector_rows(rows.features[:8], rows.gold[:8])
    three = training_params(batch_size=3, accumulation=3)
    eight = training_params(batch_size=8)
    torch.testing.assert_close(
        trained_head(uneven, three, tmp_path / "c"), trained_head(uneven, eight, tmp_path / "d")
    )


def test_eight_bit_adamw_learns_and_resumes(
    tmp_path, separable_vectors, training_params, interrupt
):
    # bitsandbytes keeps states of fewer than 4,096 numbers in 32 bit: 32 × 28 would be too few.
    vectors, gold = separable_vectors(16)
    rows = vector_rows(np.tile(vectors, (1, 8)), gold)
    params = training_params(epochs=4, learning_rate=1e-2, optimizer="adamw_8bit")

    def fresh():
        torch.manual_seed(1)
        return HeadClassifier(256, len(LABELS))

    def run(model, folder):
        return train(model, binary_cross_entropy, rows, rows, params, 7, tmp_path / folder).curve

    straight, resumed = fresh(), fresh()
    straight_curve = run(straight, "a")
    interrupt(9)
    with pytest.raises(KeyboardInterrupt):
        run(fresh(), "b")
    interrupt.disarm()
    stored = load_file(next((tmp_path / "b").glob("checkpoint-*")) / "optimizer.safetensors")
    assert stored["layers.0.weight|state1"].dtype == torch.uint8
    assert run(resumed, "b") == straight_curve
    assert_same_weights(weights(resumed), weights(straight))
    assert straight_curve[-1].train_loss < straight_curve[0].train_loss / 2


def test_checkpoints_hold_only_what_trains(
    tmp_path, tiny_mistral, encoder_params, emotion_frame, training_params
):
    torch.manual_seed(3)
    lora = LoraParams(r=2, alpha=4, dropout=0.0)
    model = build_encoder(
        encoder_params(tiny_mistral, pooling="last"), lora, dropout=0.0, labels=LABELS
    )
    rows = text_rows(emotion_frame(8), tiny_mistral)
    train(model, binary_cross_entropy, rows, rows, training_params(), 7, tmp_path)
    (checkpoint,) = tmp_path.iterdir()
    assert {path.name for path in checkpoint.iterdir()} == {
        "best.safetensors",
        "optimizer.safetensors",
        "state.json",
        "trained.safetensors",
    }
    trained = load_file(checkpoint / "trained.safetensors")
    names = {name for name, weight in model.named_parameters() if weight.requires_grad}
    assert set(trained) == set(load_file(checkpoint / "best.safetensors")) == names
    assert all("lora" in name or name.startswith("head.") for name in names)


def test_a_checkpoint_of_another_model_is_refused(tmp_path, separable_vectors, training_params):
    rows = vector_rows(*separable_vectors(8))
    params = training_params()
    train(head(), binary_cross_entropy, rows, rows, params, 7, tmp_path)
    other = HeadClassifier(32, len(LABELS))
    with pytest.raises(EmotionSlmError, match=r"trained\.safetensors: tensor layers\.0\.bias is"):
        train(other, binary_cross_entropy, rows, rows, params, 7, tmp_path)


def test_frozen_parameters_stay_bit_identical(
    tmp_path, tiny_bert, encoder_params, emotion_frame, training_params
):
    torch.manual_seed(3)
    model = build_encoder(encoder_params(tiny_bert), None, dropout=0.0, labels=LABELS)
    before = weights(model)
    frame = emotion_frame(8)
    rows = text_rows(frame, tiny_bert)
    params = training_params(weight_decay=0.1)
    train(model, binary_cross_entropy, rows, rows, params, 7, tmp_path)
    trainable = {name for name, weight in model.named_parameters() if weight.requires_grad}
    after = weights(model)
    changed = {name for name in after if not torch.equal(before[name], after[name])}
    assert changed == trainable
    assert trainable and not any("_embeddings" in name for name in trainable)


def test_a_log_shows_every_epoch_and_a_terminal_none(
    separable_vectors, training_params, tmp_path, monkeypatch
):
    rows = vector_rows(*separable_vectors(12))
    params, lines = training_params(epochs=2), []
    monkeypatch.setattr(trainer_module.console, "print", lambda line, **_: lines.append(line))
    curve = train(head(), binary_cross_entropy, rows, rows, params, 1, tmp_path / "log").curve
    assert [line.split(",")[0] for line in lines] == [
        f"epoch {epoch.epoch} of 2: loss {epoch.train_loss:.4f}" for epoch in curve
    ]
    monkeypatch.setattr(type(trainer_module.console), "is_terminal", True)
    monkeypatch.setattr(trainer_module, "progress", lambda *_: nullcontext(lambda *_: None))
    train(head(), binary_cross_entropy, rows, rows, params, 1, tmp_path / "terminal")
    assert len(lines) == 2


@pytest.mark.parametrize(("last", "what"), [(0.7, "the mean"), (0.5, "one")])
def test_closing_line_names_what_was_kept_of_several_trainings(last, what, training_params):
    curve = [
        Epoch(1, 0.5, 0.4, 0.61, 0.2),
        Epoch(2, 0.4, 0.4, 0.6, 0.3),
        Epoch(3, 0.4, 0.4, last, 0),
    ]
    line = summary(Training(curve, 10, 2), 20, training_params(), Path("models/adapted"))
    assert line.startswith(f"20 rows, {what} of 2 trainings kept, validation mAP ")


def test_closing_line_names_epoch_speed_memory_and_place(training_params):
    curve = [Epoch(1, 0.5, 0.4, 0.61, 0.2), Epoch(2, 0.4, 0.4, 0.512, 0.3)]
    line = summary(Training(curve, 1234.4), 43_410, training_params(), Path("models/adapted"))
    assert re.fullmatch(
        r"43,410 rows, epoch 1 of 2 kept, validation mAP 0\.610, 1,234 samples/s, "
        r"\d+\.\d GiB of (GPU )?memory at most → models/adapted",
        line,
    )
