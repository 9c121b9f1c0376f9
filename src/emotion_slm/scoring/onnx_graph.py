"""An ONNX graph that reads texts, run on the CPU by ONNX Runtime (the extra `onnx`)."""

from pathlib import Path

import numpy as np
import torch

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.encoder.embed import by_length
from emotion_slm.encoder.text_classifier import Tokenizer

# The fastest of 1 to 64 on a CPU with AVX512-VNNI, in float32 and in int8.
BATCH_SIZE = 16
# Fused with the addition before it, LayerNorm is slower on a CPU: int8 scoring lost a fifth.
SLOWER_FUSIONS = ["SkipLayerNormFusion"]


class OnnxGraph:
    """`input_ids` and `attention_mask`, (n, tokens) int64 → (n, width) float32.

    Threads may share it. It computes in as many as torch does when it is loaded.
    """

    def __init__(self, path: Path):
        """EmotionSlmError without the extra, and for a file that this ONNX Runtime cannot load."""
        try:
            import onnxruntime
        except ImportError as error:
            raise missing_extra() from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
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
        self.width = self.session.get_outputs()[0].shape[1]

    def run(self, inputs: dict[str, torch.Tensor]) -> np.ndarray:
        """One batch, as `Tokenizer.pad` makes it."""
        arrays = {name: tensor.numpy() for name, tensor in inputs.items()}
        return self.session.run(None, arrays)[0]

    def read(self, texts: list[str], tokenizer: Tokenizer) -> np.ndarray:
        """Texts → (n, width) float32, in order; batches are cut from texts sorted by length."""
        token_ids = tokenizer(texts)
        result = np.empty((len(texts), self.width), dtype=np.float32)
        for batch in by_length(token_ids, BATCH_SIZE):
            result[batch] = self.run(tokenizer.pad([token_ids[index] for index in batch]))
        return result


def missing_extra() -> EmotionSlmError:
    return EmotionSlmError(
        'ONNX Runtime is not installed: pip install -e ".[onnx]" in a clone of emotion-slm'
    )
