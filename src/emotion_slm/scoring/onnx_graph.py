"""An ONNX graph that reads texts, run on the CPU by ONNX Runtime."""

import os
import sys
from pathlib import Path

import numpy as np
import onnxruntime

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.params import shown
from emotion_slm.encoder.tokens import Tokenizes, by_length

INPUTS = ("input_ids", "attention_mask")
# As fast as 16 for thousands of texts on a CPU with AVX512-VNNI, in float32 and in int8, and a
# tenth faster for the 64 of a batch of the service: fewer of them are padded.
BATCH_SIZE = 8
# Fused with the addition before it, LayerNorm is slower on a CPU: int8 scoring lost a fifth.
SLOWER_FUSIONS = ["SkipLayerNormFusion"]


class OnnxGraph:
    """`input_ids` and `attention_mask`, (n, tokens) int64 → (n, width) float32.

    Threads may share it.
    """

    def __init__(self, path: Path):
        """EmotionSlmError for a file that this ONNX Runtime cannot load."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = _threads()
        try:
            self.session = onnxruntime.InferenceSession(
                path,
                options,
                providers=["CPUExecutionProvider"],
                disabled_optimizers=SLOWER_FUSIONS,
            )
        except Exception as error:  # its exceptions have no base of their own
            raise EmotionSlmError(
                f"{path}: ONNX Runtime {onnxruntime.__version__} cannot load it ({error}); "
                "update onnxruntime, or export the model again"
            ) from error
        self.path = path
        inputs = {one.name: one.type for one in self.session.get_inputs()}
        shapes = [one.shape for one in self.session.get_outputs()]
        widths = [shape[1] for shape in shapes if len(shape) == 2 and isinstance(shape[1], int)]
        if inputs != dict.fromkeys(INPUTS, "tensor(int64)") or len(shapes) != 1 or not widths:
            raise EmotionSlmError(
                f"{path}: takes {shown(inputs)} and gives {shown(shapes)}, expected {INPUTS} of "
                "int64 and one table of logits; export the model again"
            )
        self.width = widths[0]

    def run(self, inputs: dict[str, np.ndarray]) -> np.ndarray:
        """One batch, as `tokens.pad` makes it."""
        try:
            return self.session.run(None, inputs)[0]
        except Exception as error:  # its exceptions have no base of their own
            raise EmotionSlmError(
                f"{self.path}: ONNX Runtime {onnxruntime.__version__} cannot run it "
                f"({shown(str(error))}); export the model again"
            ) from error

    def read(self, texts: list[str], tokenizer: Tokenizes) -> np.ndarray:
        """Texts → (n, width) float32, in order; batches are cut from texts sorted by length."""
        token_ids = tokenizer(texts)
        result = np.empty((len(texts), self.width), dtype=np.float32)
        for batch in by_length(token_ids, BATCH_SIZE):
            result[batch] = self.run(tokenizer.pad([token_ids[index] for index in batch]))
        return result


def _threads() -> int:
    """As many as torch uses in a program that has loaded it; else OMP_NUM_THREADS, or every core
    that this process may run on."""
    if torch := sys.modules.get("torch"):
        return torch.get_num_threads()
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    if wanted.isdigit() and int(wanted):
        return int(wanted)
    affinity = getattr(os, "sched_getaffinity", None)  # which macOS lacks
    return len(affinity(0)) if affinity else os.cpu_count() or 1
