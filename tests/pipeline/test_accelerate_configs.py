"""The accelerate configs of configs/: accelerate reads each, and precision keeps its one home."""

from pathlib import Path

import pytest
from accelerate.commands.config.config_args import load_config_from_file

CONFIGS = sorted(Path("configs/accelerate").glob("*.yaml"))
KINDS = {"one": "NO", "ddp": "MULTI_GPU", "fsdp": "FSDP", "two": "MULTI_GPU"}
PROCESSES = {"one_gpu": 1, "ddp_4_gpus": 4, "fsdp_4_gpus": 4, "two_nodes": 8}


def test_every_config_is_known():
    assert {path.stem for path in CONFIGS} == set(PROCESSES)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_accelerate_reads_it(path):
    config = load_config_from_file(str(path))
    assert config.num_processes == PROCESSES[path.stem]
    assert config.mixed_precision == "no"  # params.yaml decides
    assert config.distributed_type == KINDS[path.stem.split("_")[0]]
    assert bool(config.fsdp_config) == (path.stem == "fsdp_4_gpus")
    assert config.use_cpu is False
