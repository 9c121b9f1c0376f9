import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from emotion_slm.backbone.tensors import load_trained, save_trained
from emotion_slm.common.errors import EmotionSlmError


def make(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    module = nn.ModuleDict({"trained": nn.Linear(4, 3), "frozen": nn.Linear(4, 3)})
    module["frozen"].requires_grad_(False)
    return module


@pytest.fixture
def saved(tmp_path):
    """A saved module and its file."""
    path = tmp_path / "weights.safetensors"
    module = make(0)
    save_trained(module, path)
    return module, path


def rewrite(path, change) -> None:
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)


def test_round_trip_equals_rounding_to_float16(saved):
    module, path = saved
    other = make(1)
    frozen = other["frozen"].weight.clone()
    load_trained(other, path)
    for name in ("weight", "bias"):
        rounded = getattr(module["trained"], name).half().float()
        assert torch.equal(getattr(other["trained"], name), rounded)
        assert not torch.equal(getattr(module["trained"], name), rounded)  # rounding was at work
    assert torch.equal(other["frozen"].weight, frozen)
    assert other["trained"].weight.dtype == torch.float32


def test_saving_leaves_the_module_as_it_is(tmp_path):
    module = make(0)
    before = module["trained"].weight.clone()
    save_trained(module, tmp_path / "w.safetensors")
    assert torch.equal(module["trained"].weight, before)


def test_only_trained_tensors_are_written_in_float16(saved):
    tensors = load_file(saved[1])
    assert set(tensors) == {"trained.weight", "trained.bias"}
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float16}


def test_same_weights_same_bytes(saved, tmp_path):
    save_trained(make(0), tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == saved[1].read_bytes()


def test_missing_tensor_is_refused(saved):
    rewrite(saved[1], lambda tensors: tensors.pop("trained.bias"))
    with pytest.raises(EmotionSlmError, match=r"trained\.bias is missing"):
        load_trained(make(1), saved[1])


def test_extra_tensor_is_refused(saved):
    rewrite(saved[1], lambda tensors: tensors.update(stray=torch.zeros(1)))
    with pytest.raises(EmotionSlmError, match="stray has no place"):
        load_trained(make(1), saved[1])


def test_tensor_of_a_frozen_parameter_is_refused(saved):
    rewrite(saved[1], lambda tensors: tensors.update({"frozen.weight": torch.zeros(3, 4)}))
    with pytest.raises(EmotionSlmError, match=r"frozen\.weight has no place"):
        load_trained(make(1), saved[1])


def test_wrong_shape_is_refused_even_if_it_would_broadcast(saved):
    rewrite(saved[1], lambda tensors: tensors.update({"trained.weight": torch.zeros(1, 4)}))
    with pytest.raises(EmotionSlmError, match=r"\(1, 4\).*\(3, 4\)"):
        load_trained(make(1), saved[1])


def test_refused_file_changes_nothing(saved):
    rewrite(saved[1], lambda tensors: tensors.pop("trained.weight"))
    module = make(1)
    with pytest.raises(EmotionSlmError):
        load_trained(module, saved[1])
    assert torch.equal(module["trained"].bias, make(1)["trained"].bias)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 65_536.0])
def test_value_outside_float16_is_not_written(tmp_path, value):
    module = make(0)
    with torch.no_grad():
        module["trained"].bias[1] = value
    with pytest.raises(EmotionSlmError, match=r"trained\.bias is not finite"):
        save_trained(module, tmp_path / "w.safetensors")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("keep", [0, 4, 20, -1])
def test_truncated_file_is_refused(saved, keep):
    content = saved[1].read_bytes()
    saved[1].write_bytes(content[:keep])
    with pytest.raises(EmotionSlmError, match="not a readable safetensors file"):
        load_trained(make(1), saved[1])


def test_missing_file_is_refused(tmp_path):
    with pytest.raises(EmotionSlmError, match=r"absent\.safetensors: no such file"):
        load_trained(make(1), tmp_path / "absent.safetensors")
