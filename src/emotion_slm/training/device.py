"""What this machine computes with, how precisely, and how much memory it took."""

import resource

import torch

GIB = 2**30


def has_bfloat16() -> bool:
    """Whether this machine computes bfloat16 in hardware; elsewhere it is slower than float32."""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported()
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


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
