"""What this machine computes with, how precisely, and how much memory it took."""

import resource

import torch

GIB = 2**30


def has_bfloat16() -> bool:
    """Whether this machine is faster in bfloat16 than in float32.

    A CPU is when it has AMX, or AVX512-BF16 and is AMD's: the training step of MiniLM then takes
    three fifths of the time. Intel's AVX512-BF16 without AMX multiplies at half the speed of
    float32, and the step takes half as long again.
    """
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    cpu = torch.cpu.get_capabilities()
    if cpu.get("amx_bf16"):
        return True
    return bool(cpu.get("avx512_bf16")) and "Intel" not in cpu.get("cpu_name", "")


def describe_device() -> str:
    """The GPU, or the instruction set of the CPU: floats differ from one to another."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"{torch.backends.cpu.get_cpu_capability()}, bfloat16 {has_bfloat16()}"


def peak_memory() -> str:
    """The most memory this process has held: of the GPU if there is one, else of the machine."""
    if torch.cuda.is_available():
        return f"{torch.cuda.max_memory_allocated() / GIB:.1f} GiB of GPU memory at most"
    kibibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return f"{kibibytes * 1024 / GIB:.1f} GiB of memory at most"
