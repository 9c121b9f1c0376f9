"""Hidden states before any training, by backbone, prefix and input → layers.csv, inputs.csv.

    python -m attention_sink.states WORKSPACE SMOLLM2

Of each layer, at the vector's position: the length of the states, and the share of their energy
that varies with the input, 1 − ‖mean‖² / mean(‖state‖²). A share of 0 is a constant.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from goemotions import LABELS
from torch import nn

from attention_sink.arms import CLS, Experiment, read_sets
from emotion_slm.backbone.loading import load_backbone, rebuild_backbone
from emotion_slm.classifier.one_position import BOS, OnePositionClassifier, around
from emotion_slm.common.files import write_csv
from emotion_slm.common.threads import pin_threads

LAYERS, INPUTS = Path("layers.csv"), Path("inputs.csv")
LAYER_COLUMNS = ("backbone", "prefix", "layer", "norm", "varies")
INPUT_COLUMNS = ("backbone", "prefix", "input", "input_norm", "norm", "varies", "cosine")
RANDOM = "smollm2-random"  # its architecture with random weights
CASES = (
    ("smollm2", "none"),
    ("smollm2", BOS),
    (RANDOM, "none"),
    ("minilm", "none"),
    ("minilm", BOS),
)
LENGTHS = (1, 100)  # times the usual length of a projected vector


def hidden_states(model: OnePositionClassifier, positions: dict) -> np.ndarray:
    """(layers + 1, n, H) float32 states at the last position: the input, then after each layer.

    The last is the one that the output layer reads, after a decoder's last norm.
    """
    with torch.inference_mode():
        found = model.backbone(**positions, output_hidden_states=True).hidden_states
    return np.stack([states[:, -1].detach().float().numpy() for states in found])


def share_varying(states: np.ndarray) -> np.ndarray:
    """(..., n, H) states → (...,) the share of their energy that is not in their mean."""
    states = states.astype(np.float64)
    mean = (states.mean(axis=-2) ** 2).sum(axis=-1)
    return 1 - mean / (states**2).sum(axis=-1).mean(axis=-1)


def varying(model: OnePositionClassifier, vectors: np.ndarray) -> np.ndarray:
    """(layers + 1,) the share of each layer's energy that varies among (n, width) `vectors`."""
    with torch.inference_mode():
        positions = model.positions(torch.from_numpy(vectors))
    return share_varying(hidden_states(model, positions))


def mean_cosine(states: np.ndarray) -> float:
    """The mean cosine of two different rows of (n, H)."""
    unit = states / np.linalg.norm(states, axis=1, keepdims=True)
    count = len(unit)
    return float(((unit.sum(axis=0) ** 2).sum() - count) / (count * (count - 1)))


def fresh(experiment: Experiment, backbone: str, prefix: str, width: int) -> OnePositionClassifier:
    """An untrained classifier: a projection by chance, and adapters that change nothing yet."""
    seed = experiment.params["states"]["seed"]
    params = experiment.one_position("minilm" if backbone == "minilm" else "smollm2", prefix)
    module: nn.Module = load_backbone(params.backbone, max_length=2)
    torch.manual_seed(seed)
    if backbone == RANDOM:
        module = rebuild_backbone(module.config)
    if backbone == "minilm":
        module.config.bos_token_id = CLS
    return around(module, params, width, LABELS).eval()


def inputs(model: OnePositionClassifier, vectors: np.ndarray, seed: int) -> dict[str, dict]:
    """The SLM's inputs by name: vectors as training feeds them, at other lengths, and tokens."""
    with torch.inference_mode():
        usual = model.positions(torch.from_numpy(vectors))
        table = model.backbone.get_input_embeddings().weight
        random = torch.Generator().manual_seed(seed)
        tokens = table[torch.randint(len(table), (len(vectors),), generator=random)]
        projected = usual["inputs_embeds"][:, -1]
        found = {
            "vectors" if times == 1 else f"vectors × {times}": times * projected
            for times in LENGTHS
        }
        length = tokens.norm(dim=1).mean() / projected.norm(dim=1).mean()
        found["vectors as long as tokens"] = length * projected
        found["tokens"] = tokens
    made = {}
    for name, last in found.items():
        embedded = usual["inputs_embeds"].clone()
        embedded[:, -1] = last
        made[name] = usual | {"inputs_embeds": embedded}
    return made


def main() -> None:
    if len(sys.argv) != 3:
        raise SystemExit("usage: python -m attention_sink.states WORKSPACE SMOLLM2")
    experiment = Experiment.read(Path("../.."), Path(sys.argv[2]))
    pin_threads(experiment.params["threads"])
    drawn = experiment.params["states"]
    vectors = read_sets(Path(sys.argv[1]), experiment.params["rows"]).train.vectors[: drawn["rows"]]
    layers, by_input = [], []
    for backbone, prefix in CASES:
        model = fresh(experiment, backbone, prefix, vectors.shape[1])
        for name, positions in inputs(model, vectors, drawn["seed"]).items():
            states = hidden_states(model, positions)
            norms, shares = np.linalg.norm(states, axis=2).mean(axis=1), share_varying(states)
            figures = norms[0], norms[-1], shares[-1], mean_cosine(states[-1])
            by_input.append(_line(INPUT_COLUMNS, backbone, prefix, name, *figures))
            if name == "vectors":
                layers += [
                    _line(LAYER_COLUMNS, backbone, prefix, layer, *pair)
                    for layer, pair in enumerate(zip(norms, shares, strict=True))
                ]
    write_csv(LAYERS, LAYER_COLUMNS, layers)
    write_csv(INPUTS, INPUT_COLUMNS, by_input)


def _line(columns: tuple[str, ...], *values) -> dict:
    return {
        name: f"{value:.6g}" if isinstance(value, (float, np.floating)) else value
        for name, value in zip(columns, values, strict=True)
    }


if __name__ == "__main__":
    main()
