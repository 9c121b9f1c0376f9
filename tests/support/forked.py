"""Processes forked from one that has already imported what they need: fast to start."""

import multiprocessing
import os
import sys
from collections.abc import Sequence
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext

import pytest

PRELOADED = (
    "support.victim",
    # What a training imports when it first needs it: seconds in each process.
    "sklearn.metrics",
    "torch._dynamo",
    "torch.distributed.fsdp",
    "transformers.models.auto.modeling_auto",
    "transformers.models.auto.tokenization_auto",
    "transformers.models.bert.modeling_bert",
)


def forking(preloaded: Sequence[str] = PRELOADED) -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(preloaded))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))  # or the preload finds nothing
        forkserver.ensure_running()
    return context
