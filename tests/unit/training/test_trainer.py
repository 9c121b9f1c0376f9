import numpy as np
import pytest
import torch
from transformers import TrainerCallback

from emotion_slm.encoder.adapted import build_encoder
from emotion_slm.encoder.tokens import Tokenizer
from emotion_slm.errors import EmotionSlmError
from emotion_slm.labels import to_matrix
from emotion_slm.model.losses import binary_cross_entropy
from emotion_slm.training import trainer as trainer_module
from emotion_slm.training.curve import best
from emotion_slm.training.trainer import Rows, train


def collate(vectors: np.ndarray) -> dict[str, torch.Tensor]:
    return {"vectors": torch.from_numpy(np.asarray(vectors, dtype=np.float32))}


class Head(torch.nn.Module):
    """Dropout, then linear: a model that draws random numbers."""

    def __init__(self, dropout: float):
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Dropout(dropout), torch.nn.Linear(32, 28))

    def forward(self, vectors: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"logits": self.layers(vectors)}


def head(dropout: float = 0.0) -> Head:
    torch.manual_seed(1)
    return Head(dropout)


def weights(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def assert_same_weights(first: dict, second: dict) -> None:
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        assert torch.equal(tensor, second[name]), name


class Interrupt(TrainerCallback):
    """Stands for a kill: raises at a chosen moment of a chosen epoch."""

    def __init__(self, epoch: int, moment: str):
        self.epoch = epoch
        self.moment = moment

    def on_epoch_begin(self, args, state, control, **kwargs):
        self._strike("begin", state.epoch)

    def on_step_end(self, args, state, control, **kwargs):
        self._strike("step", np.ceil(state.epoch) - 1)

    def _strike(self, moment, epoch):
        if moment == self.moment and round(epoch) == self.epoch:
            raise KeyboardInterrupt


@pytest.fixture
def interrupt(monkeypatch):
    """Function: make every following `train` stop in an epoch, until undone."""

    def arm(epoch: int, moment: str) -> None:
        class Interrupted(trainer_module._Trainer):
            def __init__(self, **options):
                super().__init__(**options)
                self.add_callback(Interrupt(epoch, moment))

        monkeypatch.setattr(trainer_module, "_Trainer", Interrupted)

    arm.disarm = monkeypatch.undo
    return arm


def present_macro_f1(logits: np.ndarray, gold: np.ndarray) -> float:
    predicted, present = logits >= 0, gold.any(axis=0)
    hits = (predicted & (gold > 0)).sum(0)
    f1 = 2 * hits / np.maximum(predicted.sum(0) + gold.sum(0), 1)
    assert predicted[:, ~present].sum() == 0
    return float(f1[present].mean())


def test_head_overfits_sixteen_rows(tmp_path, separable_vectors, training_params):
    rows = Rows(*separable_vectors(16), collate)
    model = head()
    params = training_params(epochs=40, learning_rate=3e-2)
    curve = train(model, binary_cross_entropy, rows, rows, params, 7, tmp_path)
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
    model = build_encoder(encoder_params(tiny_bert), None, dropout=0.0)
    tokenizer = Tokenizer(tiny_bert, 32)
    frame = emotion_frame(16)
    token_ids = tokenizer(frame["text"].tolist())
    rows = Rows(token_ids, to_matrix(frame["labels"]), tokenizer.pad)
    lengths = np.array([len(ids) for ids in token_ids])
    params = training_params(epochs=100, batch_size=16, learning_rate=3e-3, schedule="constant")
    curve = train(model, binary_cross_entropy, rows, rows, params, 7, tmp_path, lengths)
    with torch.no_grad():
        logits = model.eval()(**tokenizer.pad(token_ids))["logits"].numpy()
    assert present_macro_f1(logits, rows.gold) > 0.95
    # The curve's macro-F1 runs over all 28 labels; only four can score.
    assert max(epoch.validation_macro_f1 for epoch in curve) == pytest.approx(4 / 28, abs=0.01)


def test_bfloat16_learns_too(tmp_path, separable_vectors, training_params):
    rows = Rows(*separable_vectors(32), collate)
    params = training_params(epochs=10, learning_rate=3e-2, precision="bfloat16")
    curve = train(head(), binary_cross_entropy, rows, rows, params, 7, tmp_path)
    assert curve[-1].train_loss < curve[0].train_loss / 2
    assert curve[-1].validation_map > 0.99


def test_best_epoch_is_kept_not_the_last(tmp_path, separable_vectors, training_params, monkeypatch):
    scores = iter([0.1, 0.9, 0.5, 0.9])
    seen = []

    class Spy(trainer_module._Trainer):
        def evaluate(self, *args, **kwargs):
            seen.append(weights(self.model))
            return super().evaluate(*args, **kwargs)

    monkeypatch.setattr(trainer_module, "_Trainer", Spy)
    monkeypatch.setattr(
        trainer_module, "_validation_metrics", lambda _: {"map": next(scores), "macro_f1": 0.0}
    )
    rows = Rows(*separable_vectors(16), collate)
    model = head()
    curve = train(model, binary_cross_entropy, rows, rows, training_params(epochs=4), 7, tmp_path)
    assert [epoch.validation_map for epoch in curve] == [0.1, 0.9, 0.5, 0.9]
    assert best(curve, "map").epoch == 2  # a tie goes to the earlier epoch
    assert_same_weights(weights(model), seen[1])
    assert not torch.equal(seen[1]["layers.1.weight"], seen[3]["layers.1.weight"])


def test_selection_by_macro_f1_ignores_map(
    tmp_path, separable_vectors, training_params, monkeypatch
):
    scores = iter([(0.9, 0.1), (0.5, 0.6), (0.7, 0.2)])

    def metrics(_):
        average_precision, macro_f1 = next(scores)
        return {"map": average_precision, "macro_f1": macro_f1}

    seen = []

    class Spy(trainer_module._Trainer):
        def evaluate(self, *args, **kwargs):
            seen.append(weights(self.model))
            return super().evaluate(*args, **kwargs)

    monkeypatch.setattr(trainer_module, "_Trainer", Spy)
    monkeypatch.setattr(trainer_module, "_validation_metrics", metrics)
    rows = Rows(*separable_vectors(16), collate)
    model = head()
    params = training_params(epochs=3, selection="macro_f1")
    curve = train(model, binary_cross_entropy, rows, rows, params, 7, tmp_path)
    assert best(curve, "macro_f1").epoch == 2
    assert_same_weights(weights(model), seen[1])


@pytest.mark.parametrize("moment", ["begin", "step"])
def test_resumed_run_equals_uninterrupted_bit_for_bit(
    tmp_path, separable_vectors, training_params, interrupt, moment
):
    rows = Rows(*separable_vectors(18), collate)
    params = training_params(epochs=4, schedule="cosine", warmup_ratio=0.1)

    straight = head(dropout=0.3)
    straight_curve = train(straight, binary_cross_entropy, rows, rows, params, 7, tmp_path / "a")

    interrupt(2, moment)
    with pytest.raises(KeyboardInterrupt):
        train(head(dropout=0.3), binary_cross_entropy, rows, rows, params, 7, tmp_path / "b")
    interrupt.disarm()
    assert list((tmp_path / "b").glob("checkpoint-*"))
    resumed = head(dropout=0.3)
    torch.nn.init.zeros_(resumed.layers[1].weight)  # a new process starts from anything
    resumed_curve = train(resumed, binary_cross_entropy, rows, rows, params, 7, tmp_path / "b")

    assert_same_weights(weights(resumed), weights(straight))
    assert resumed_curve == straight_curve


def test_resumed_text_training_equals_uninterrupted(
    tmp_path, tiny_bert, encoder_params, emotion_frame, training_params, interrupt
):
    tokenizer = Tokenizer(tiny_bert, 32)
    frame = emotion_frame(18)
    token_ids = tokenizer(frame["text"].tolist())
    rows = Rows(token_ids, to_matrix(frame["labels"]), tokenizer.pad)
    lengths = np.array([len(ids) for ids in token_ids])

    def run(folder):
        torch.manual_seed(3)
        model = build_encoder(encoder_params(tiny_bert), None, dropout=0.1)
        curve = train(
            model, binary_cross_entropy, rows, rows, training_params(epochs=3), 7, folder, lengths
        )
        return weights(model), curve

    straight, straight_curve = run(tmp_path / "a")
    interrupt(1, "step")
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "b")
    interrupt.disarm()
    resumed, resumed_curve = run(tmp_path / "b")
    assert_same_weights(resumed, straight)
    assert resumed_curve == straight_curve


def test_finished_training_resumes_to_its_best_epoch(tmp_path, separable_vectors, training_params):
    rows = Rows(*separable_vectors(16), collate)
    first = head()
    curve = train(first, binary_cross_entropy, rows, rows, training_params(), 7, tmp_path)
    again = head()
    assert train(again, binary_cross_entropy, rows, rows, training_params(), 7, tmp_path) == curve
    assert_same_weights(weights(again), weights(first))


def test_same_seed_same_weights_other_seed_other_weights(
    tmp_path, separable_vectors, training_params
):
    rows = Rows(*separable_vectors(16), collate)

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

    train_rows = Rows(vectors, gold, spying_collate)
    validation_rows = Rows(vectors, gold, collate)
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


def test_loss_that_becomes_nan_stops_the_run(tmp_path, separable_vectors, training_params):
    rows = Rows(*separable_vectors(16), collate)

    def broken(logits, gold):
        return binary_cross_entropy(logits, gold) * float("nan")

    with pytest.raises(EmotionSlmError, match=r"diverged.*learning rate"):
        train(head(), broken, rows, rows, training_params(), 7, tmp_path)


@pytest.mark.parametrize("rows_count", [4, 16])  # one step an epoch: only evaluation can see it
def test_absurd_learning_rate_stops_the_run(
    tmp_path, tiny_bert, encoder_params, emotion_frame, training_params, rows_count
):
    model = build_encoder(encoder_params(tiny_bert), None, dropout=0.0)
    tokenizer = Tokenizer(tiny_bert, 32)
    frame = emotion_frame(rows_count)
    rows = Rows(tokenizer(frame["text"].tolist()), to_matrix(frame["labels"]), tokenizer.pad)
    params = training_params(learning_rate=1e30)
    with pytest.raises(EmotionSlmError, match=r"diverged.*learning rate"):
        train(model, binary_cross_entropy, rows, rows, params, 7, tmp_path)


def test_frozen_parameters_stay_bit_identical(
    tmp_path, tiny_bert, encoder_params, emotion_frame, training_params
):
    torch.manual_seed(3)
    model = build_encoder(encoder_params(tiny_bert), None, dropout=0.0)
    before = weights(model)
    tokenizer = Tokenizer(tiny_bert, 32)
    frame = emotion_frame(8)
    rows = Rows(tokenizer(frame["text"].tolist()), to_matrix(frame["labels"]), tokenizer.pad)
    params = training_params(weight_decay=0.1)
    train(model, binary_cross_entropy, rows, rows, params, 7, tmp_path)
    trainable = {name for name, weight in model.named_parameters() if weight.requires_grad}
    after = weights(model)
    changed = {name for name in after if not torch.equal(before[name], after[name])}
    assert changed == trainable
    assert trainable and not any("_embeddings" in name for name in trainable)
