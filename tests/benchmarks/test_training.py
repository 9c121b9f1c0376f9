"""Every arm at a tiny size: what it computes, never how long it takes."""

import numpy as np
import pytest
import torch
from rich.console import Console

from benchmarks import training
from benchmarks.text_training import ARMS, FIXED, LIBRARY, arranged, fresh_learner, run, tokenized
from emotion_slm.backbone.device import has_bfloat16
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.encoder.params import AdaptParams
from emotion_slm.training.params import BceLoss

FIXED_ARM = ARMS["padding to 64, random batches"]
RANDOM_ARM = ARMS["dynamic padding, random batches"]
DEFAULTS_ARM = ARMS["float32, sdpa, AdamW not fused"]


@pytest.fixture
def texts(emotion_frame, encoder_params, training_params, tiny_bert):
    params = training_params(precision="bfloat16")
    adapt = AdaptParams(
        lora="none", head="random", dropout=0.1, loss=BceLoss(name="bce"), training=params
    )
    return tokenized(emotion_frame(40), encoder_params(tiny_bert, max_length=64), adapt)


@pytest.mark.parametrize("name", ARMS)
def test_every_arm_runs(texts, name):
    result = run(ARMS[name], texts, steps=2, turn=0)
    assert result.samples_per_second > 0 and np.isfinite(result.samples_per_second)


def test_positions_shrink_from_fixed_to_dynamic_to_buckets(texts):
    computed = {name: run(arm, texts, steps=8, turn=0).positions for name, arm in ARMS.items()}
    fixed, dynamic, buckets, _ = (
        computed[name] for name in (list(ARMS)[2], list(ARMS)[1], LIBRARY, list(ARMS)[3])
    )
    assert fixed == FIXED > dynamic > buckets >= texts.rows.lengths.min()


def test_the_fixed_arm_pads_and_cuts_to_64(texts):
    rows = arranged(FIXED_ARM, texts.rows)
    assert rows.lengths is None
    inputs = rows.collate([np.arange(1, 6), np.arange(1, 101)])
    assert {tensor.shape for tensor in inputs.values()} == {(2, FIXED)}
    assert inputs["attention_mask"].sum(1).tolist() == [5, FIXED]
    assert inputs["input_ids"][0, :5].tolist() == [1, 2, 3, 4, 5]


def test_padding_does_not_change_what_is_computed(texts):
    model = fresh_learner(ARMS[LIBRARY], texts).model.eval()
    some = np.arange(6)
    with torch.no_grad():
        logits = [
            model(**arranged(arm, texts.rows).batch(some, torch.device("cpu"))[0]).logits
            for arm in (FIXED_ARM, RANDOM_ARM)
        ]
    torch.testing.assert_close(*logits, atol=1e-5, rtol=1e-5)


def test_arms_differ_in_precision_attention_and_optimiser_alone(texts):
    library, defaults = (fresh_learner(arm, texts) for arm in (ARMS[LIBRARY], DEFAULTS_ARM))
    assert library.autocast == has_bfloat16() and not defaults.autocast
    kernels = [one.model.backbone.config._attn_implementation for one in (library, defaults)]
    assert kernels == ["eager", "sdpa"]
    assert library.optimizer.defaults["fused"] and not defaults.optimizer.defaults["fused"]
    assert len(library.optimizer.param_groups) == len(defaults.optimizer.param_groups)
    for one, other in zip(library.parameters.values(), defaults.parameters.values(), strict=True):
        assert torch.equal(one, other)


def test_the_defaults_compute_the_same_step_in_float32(texts):
    library, defaults = (fresh_learner(arm, texts) for arm in (ARMS[LIBRARY], DEFAULTS_ARM))
    batch = [np.arange(4)]
    losses = [one.gradients(texts.rows, batch, 0)[0] for one in (library, defaults)]
    np.testing.assert_allclose(*losses, rtol=0.02)


def test_the_table_names_every_arm_and_the_library_is_its_own_measure(texts):
    results = training.measure(texts, runs=2, steps=1)
    console = Console(width=140, record=True)
    console.print(training.table(results, "tiny"))
    shown = console.export_text()
    assert all(name in shown for name in ARMS)
    (line,) = (line for line in shown.splitlines() if LIBRARY in line and "library /" not in line)
    assert "1.00" in line and "1.00–1.00" in line


def test_more_steps_than_an_epoch_has_are_refused(texts):
    with pytest.raises(EmotionSlmError, match="40 rows make 10 batches"):
        run(ARMS[LIBRARY], texts, steps=9, turn=0)
