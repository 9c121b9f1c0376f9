"""Which words are named, by what leaving them out does: `python -m benchmarks.explanations`.

The most probable label of test rows, explained by occlusion, by integrated gradients (captum) and
by chance. The words named first are deleted together, one to five of them; AOPC is the mean fall of
the label's calibrated probability (Samek et al. 2017). Nothing is chosen on these rows.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from emotion_slm.common import paths
from emotion_slm.common.files import read_parquet
from emotion_slm.common.threads import pin_threads
from emotion_slm.explain.occlusion import Explanation, explain, words_of
from emotion_slm.package.models import load_models
from emotion_slm.scoring.classifier import EmotionClassifier

DELETED = 5
LEAST_WORDS = 8
STEPS = 50
console = Console(width=110)


class Gradients:
    """Integrated gradients (Sundararajan, Taly and Yan 2017) of a logit by word: the sum over the
    word's tokens, from embeddings of padding."""

    def __init__(self, model: EmotionClassifier):
        from captum.attr import LayerIntegratedGradients

        self.tokenizer = model.engine.tokenizer.tokenizer
        self.encoder, self.classifier = load_models(model.package)
        embeddings = self.encoder.backbone.get_input_embeddings()
        self.method = LayerIntegratedGradients(self._logit, embeddings)

    def _logit(self, ids: torch.Tensor, mask: torch.Tensor, label: int) -> torch.Tensor:
        vectors = self.encoder.encode(ids, mask)
        return self.classifier(vectors=vectors)["logits"][:, label]

    def of_words(self, one: Explanation, label: int) -> np.ndarray:
        """(words,) attributions of the words in `one`."""
        row = self.tokenizer.encode(one.text)
        ids = torch.tensor([row.ids])
        mask = torch.ones_like(ids)
        found = self.method.attribute(
            ids, torch.zeros_like(ids), additional_forward_args=(mask, label), n_steps=STEPS
        )
        tokens = found.sum(dim=-1)[0].detach().numpy()
        words = np.zeros(len(one.words))
        for (begin, end), value in zip(row.offsets, tokens, strict=True):
            for place, span in enumerate(one.words):
                if begin < end and begin < span.end and end > span.begin:
                    words[place] += value
        return words


def deleted(one: Explanation, places: Sequence[int]) -> str:
    """The text without the words at `places`."""
    text = one.text
    for place in sorted(places, reverse=True):
        begin, end = one.words[place]
        text = text[:begin] + text[end:]
    return " ".join(text.split())


def falls(
    found: list[Explanation], labels: list[int], orders: list[np.ndarray], model: EmotionClassifier
) -> np.ndarray:
    """(texts, DELETED) by how much the probability falls when so many words are deleted."""
    variants = [
        deleted(one, order[:count])
        for one, order in zip(found, orders, strict=True)
        for count in range(1, DELETED + 1)
    ]
    scores = model.probabilities(variants).reshape(len(found), DELETED, -1)
    return np.array(
        [one.whole[label] - after[:, label]
         for one, label, after in zip(found, labels, scores, strict=True)]
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=paths.CLASSIFIER)
    parser.add_argument("--texts", type=int, default=300)
    parser.add_argument("--captum", type=Path, help="folder that captum.txt was installed into")
    options = parser.parse_args()
    pin_threads(2)
    model, rng = EmotionClassifier.from_pretrained(options.model), np.random.default_rng(25)
    texts = read_parquet(paths.SPLIT / "test.parquet", ("text",))["text"].tolist()
    shuffled = (texts[place] for place in rng.permutation(len(texts)))
    long = (text for text in shuffled if len(words_of(text)) >= LEAST_WORDS)
    chosen = list(islice(long, options.texts))
    started = time.perf_counter()
    found = explain(chosen, model)
    console.print(f"{len(chosen)} texts explained in {time.perf_counter() - started:.0f} s")
    labels = [int(one.whole.argmax()) for one in found]
    contenders = {
        "occlusion": [np.argsort(-one.changes(label))
                      for one, label in zip(found, labels, strict=True)],
        "words at random": [rng.permutation(len(one.words)) for one in found],
    }  # fmt: skip
    if options.captum:
        sys.path.append(str(options.captum))
        gradients = Gradients(model)
        contenders["integrated gradients"] = [
            np.argsort(-gradients.of_words(one, label))
            for one, label in zip(found, labels, strict=True)
        ]
    table = Table("words named by", "AOPC", "95 %", *(str(n) for n in range(1, DELETED + 1)),
                  title=f"Fall of the probability, {len(found)} test rows")  # fmt: skip
    for name, orders in contenders.items():
        fell = falls(found, labels, orders, model)
        of_text = fell.mean(axis=1)
        error = 1.96 * of_text.std(ddof=1) / np.sqrt(len(of_text))
        table.add_row(name, f"{of_text.mean():.3f}", f"± {error:.3f}",
                      *(f"{value:.3f}" for value in fell.mean(axis=0)))  # fmt: skip
    console.print(table)


if __name__ == "__main__":
    main()
