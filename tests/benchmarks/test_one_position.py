"""The GPU benchmark on a CPU, at a tiny size: it must not rot while no GPU is at hand."""

import pytest
import torch
from rich.console import Console

from benchmarks import one_position
from benchmarks.one_position import ARMS, PUBLISHED, Arm, prepare, run
from benchmarks.random_mistral import MISTRAL_SMALL, Shape, random_mistral
from emotion_slm.classifier.params import FinetuneParams
from emotion_slm.common.params import Document
from emotion_slm.training.distributed import trained_parameters

TINY = Shape(2, 64, 128, 4, 2, 16, 40, four_bit=False)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def params() -> FinetuneParams:
    document = Document.read().with_profile(one_position.PROFILE)
    return document.section("finetune", FinetuneParams)


@pytest.fixture(scope="module", params=[False, True], ids=["float32", "nf4"])
def bench(request, params):
    return prepare(TINY._replace(four_bit=request.param), params)


@pytest.mark.parametrize("arm", ARMS, ids=str)
def test_every_arm_runs(bench, arm):
    result = run(arm, bench, steps=1, turn=0)
    assert result.samples_per_second > 0 and result.peak_gib is None


def test_a_run_starts_from_the_initial_weights(bench):
    def after_a_run() -> dict:
        run(PUBLISHED, bench, steps=1, turn=0)
        return {name: w.detach().clone() for name, w in trained_parameters(bench.model).items()}

    first, second = after_a_run(), after_a_run()
    for name, weight in first.items():
        assert torch.equal(weight, second[name]), name
        # A's gradient is zero until B has moved.
        assert "lora_A" in name or not torch.equal(weight, bench.initial[name]), name


def test_adapters_are_the_profiles_and_everything_else_is_frozen(bench, params):
    trained = trained_parameters(bench.model)
    adapted = {name.split(".")[-4] for name in trained if ".lora_" in name}
    assert adapted == {"v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}
    ranks = {weight.shape[0] for name, weight in trained.items() if "lora_A" in name}
    assert ranks == {params.classifier.lora.r}
    assert all(name.startswith(("projection.", "output.")) or ".lora_" in name for name in trained)


def test_projections_are_quantised_and_nothing_is_left_without_storage():
    model = random_mistral(TINY._replace(four_bit=True), CPU)
    layer = model.layers[1].mlp.down_proj
    assert layer.weight.quant_state.quant_type == "nf4" and layer.weight.quant_state.nested
    assert layer.weight.numel() == 64 * 128 // 2  # two weights a byte
    assert model.embed_tokens.weight.dtype == torch.bfloat16
    assert not any(one.is_meta for one in [*model.parameters(), *model.buffers()])


def test_the_random_decoder_is_the_one_that_transformers_would_build():
    torch.manual_seed(0)
    model = random_mistral(TINY, CPU)
    from emotion_slm.backbone.loading import rebuild_backbone

    usual = rebuild_backbone(model.config)
    usual.load_state_dict(model.state_dict())
    tokens = torch.tensor([[3, 5, 8]])
    with torch.no_grad():
        hidden = [one.eval()(input_ids=tokens).last_hidden_state for one in (model, usual)]
    torch.testing.assert_close(*hidden)


def test_mistral_small_has_its_published_size():
    layer = 2 * MISTRAL_SMALL.hidden * MISTRAL_SMALL.head_dim * (32 + 8)
    layer += 3 * MISTRAL_SMALL.hidden * MISTRAL_SMALL.intermediate
    embeddings = 2 * MISTRAL_SMALL.vocabulary * MISTRAL_SMALL.hidden  # its head is not tied
    assert 23.5e9 < MISTRAL_SMALL.layers * layer + embeddings < 23.7e9


def test_the_arms_are_the_published_step_the_profiles_and_two_larger(params):
    assert PUBLISHED.batch_size * PUBLISHED.accumulation == params.training.batch_size
    assert Arm(params.training.batch_size, params.training.accumulation) in ARMS


def test_the_table_says_that_memory_was_not_measured(bench):
    results = {str(arm): [run(arm, bench, 1, 0)] for arm in ARMS[:2]}
    console = Console(width=140, record=True)
    console.print(one_position.table(results, "tiny"))
    assert console.export_text().count("not measured") == 2


def test_a_missing_gpu_is_named(monkeypatch):
    if torch.cuda.is_available():
        pytest.skip("there is one")
    monkeypatch.setattr("sys.argv", ["one_position", "--device", "cuda"])
    with pytest.raises(SystemExit, match="torch trains on cpu here"):
        one_position.main()
