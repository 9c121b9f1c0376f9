import pytest
import torch

from emotion_slm.backbone.device import describe_device, has_bfloat16, peak_memory

CPUS = {
    "AMX": ({"amx_bf16": True, "avx512_bf16": True, "cpu_name": "Intel Xeon"}, True),
    "AMD with AVX512-BF16": ({"avx512_bf16": True, "cpu_name": "AMD EPYC"}, True),
    "Intel with AVX512-BF16 alone": ({"avx512_bf16": True, "cpu_name": "Intel Xeon"}, False),
    "neither": ({"avx512_bf16": False, "cpu_name": "AMD EPYC"}, False),
    "another architecture": ({}, False),
}


@pytest.mark.parametrize("name", CPUS)
def test_bfloat16_is_used_where_it_is_the_faster(name, monkeypatch):
    capabilities, expected = CPUS[name]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert has_bfloat16() is expected


def test_a_gpu_that_only_emulates_bfloat16_is_not_said_to_have_it(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(
        torch.cuda, "is_bf16_supported", lambda including_emulation=True: including_emulation
    )
    assert has_bfloat16() is False


def test_memory_and_device_of_this_machine():
    assert float(peak_memory().split()[0]) > 0
    assert describe_device() == describe_device() != ""
