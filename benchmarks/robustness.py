"""Held-out rows written another way: `python -m benchmarks.robustness` prints a table of README.md.

Every row of a split as it is, lower-cased, without punctuation, with typos, without emoji, in
British spelling, within a longer text. The labels of a row stay what they were, so what a score
loses is the model's. Models are compared with the first one on the same rows. `--elsewhere` adds
how well each ranks the rows of another corpus, by the labels of the same name.
"""

import argparse
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table
from sklearn.metrics import roc_auc_score

from benchmarks.goemotions import to_matrix
from emotion_slm.common import paths
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import read_parquet
from emotion_slm.common.ranking import macro_f1, mean_average_precision
from emotion_slm.common.threads import pin_threads
from emotion_slm.corpus.labels import load_corpus
from emotion_slm.encoder.rewriting import typos, without_punctuation
from emotion_slm.evaluation.bootstrap import paired_difference
from emotion_slm.evaluation.metrics import expected_calibration_error
from emotion_slm.scoring.classifier import EmotionClassifier

REPLICATES = 1000
SEED = 0
AS_IT_IS = "as it is"
EMOJI = re.compile("[\U0001f1e6-\U0001faff\u2600-\u27bf\u2190-\u21ff\u2b00-\u2bff\ufe0f\u200d]")
BRITISH = tuple(
    (re.compile(rf"\b{american}\b", re.IGNORECASE), spelling)
    for american, spelling in (
        (r"(col|fav|hon|hum|neighb|behavi)or(s|ed|ing|ite|ites|able|ful|hood)?", r"\1our\2"),
        (r"(apolog|real|recogn|organ|critic)iz(e|es|ed|ing)", r"\1is\2"),
        (r"(cent|theat)er(s?)", r"\1re\2"),
        (r"(def|off)ense", r"\1ence"),
        (r"(cancel|travel)(ed|ing|er)", r"\1l\2"),
        (r"(gr)ay", r"\1ey"),
        (r"(m)om(s|my)?", r"\1um\2"),
    )
)
BEFORE = (
    "I read this thread on the train this morning and then went on to work.",
    "There were about forty comments below the post when I opened it.",
    "The shop opens at nine and closes at six, except on Sundays.",
)
AFTER = (
    "The link is in the description, and the second part comes on Thursday.",
    "It was posted at half past four in the afternoon, local time.",
    "The report has twelve pages, with a table on each of them.",
)

Rewriting = Callable[[str, np.random.Generator], str]


def british(text: str) -> str:
    for american, spelling in BRITISH:
        text = american.sub(spelling, text)
    return text


def within(text: str, random: np.random.Generator) -> str:
    """A sentence that speaks of no emotion before the text, and one after it."""
    return f"{random.choice(BEFORE)} {text} {random.choice(AFTER)}"


REWRITINGS: dict[str, Rewriting] = {
    AS_IT_IS: lambda text, random: text,
    "lower-cased": lambda text, random: text.lower(),
    "no punctuation": lambda text, random: without_punctuation(text),
    "typos": typos,
    "no emoji": lambda text, random: EMOJI.sub("", text),
    "British spelling": lambda text, random: british(text),
    "in a longer text": within,
}


def rewritten(texts: Sequence[str], how: str) -> list[str]:
    """Every text, written the way `how` of REWRITINGS; the same for every model."""
    random = np.random.default_rng(SEED)
    return [REWRITINGS[how](text, random) for text in texts]


class Given(NamedTuple):
    """A model's (n, labels) probabilities and labels of rows written some way."""

    probabilities: np.ndarray
    labels: np.ndarray


def read_by(model: EmotionClassifier, texts: Sequence[str]) -> Given:
    probabilities = model.probabilities(texts)
    return Given(probabilities, model.given(probabilities))


class Rows(NamedTuple):
    """Texts, (n, labels) gold, and the (n,) groups of equal texts."""

    texts: list[str]
    gold: np.ndarray
    groups: np.ndarray

    def difference(self, given: Given, base: Given) -> str:
        """Of macro-F1, with the 95 % interval that the chance in the rows leaves."""
        gap = paired_difference(
            [given.labels], [base.labels], self.gold, self.groups, REPLICATES, SEED
        )
        return f"{gap.difference:+.3f} [{gap.low:+.3f}, {gap.high:+.3f}]"


def cost_table(rows: Rows, found: Mapping[str, Given], title: str) -> Table:
    """What each way of writing costs a model."""
    table = Table("rows", title=title)
    for column in ("changed", "macro-F1", "to as it is", "mAP", "calibration error"):
        table.add_column(column, justify="right")
    for how, given in found.items():
        changed = np.mean(
            [a != b for a, b in zip(rewritten(rows.texts, how), rows.texts, strict=True)]
        )
        table.add_row(
            how,
            f"{changed:.0%}",
            f"{macro_f1(rows.gold, given.labels):.3f}",
            "" if how == AS_IT_IS else rows.difference(given, found[AS_IT_IS]),
            f"{mean_average_precision(rows.gold, given.probabilities):.3f}",
            f"{expected_calibration_error(rows.gold, given.probabilities):.3f}",
        )
    return table


def gain_table(rows: Rows, found: Mapping[Path, Mapping[str, Given]]) -> Table:
    """Macro-F1 of each further model less that of the first, by the way of writing."""
    first, *others = found
    table = Table("rows", title=f"macro-F1 less that of {first}")
    for other in others:
        table.add_column(str(other), justify="right")
    for how, base in found[first].items():
        table.add_row(how, *(rows.difference(found[other][how], base) for other in others))
    return table


class Elsewhere(NamedTuple):
    """Rows of another corpus: texts, (n, labels) gold, and its labels that the model has too."""

    texts: list[str]
    gold: np.ndarray
    names: list[str]

    def auroc(self, model: EmotionClassifier) -> dict[str, float]:
        """By label, and their mean. EmotionSlmError where the model has none of them."""
        scores, known = model.logits(self.texts), model.labels.index
        found = {
            name: float(roc_auc_score(self.gold[:, place], scores[:, known[name]]))
            for place, name in enumerate(self.names)
            if name in known
        }
        if not found:
            raise EmotionSlmError(f"the model has none of the labels {', '.join(self.names)}")
        return {"mean": float(np.mean(list(found.values())))} | found


def elsewhere(workspace: Path) -> Elsewhere:
    """The train rows of a workspace; its corpus must be one that no model here has read."""
    labels = load_corpus(workspace / paths.RAW).labels
    frame = read_parquet(workspace / paths.SPLIT / "train.parquet", ("text", "labels"))
    return Elsewhere(frame["text"].tolist(), labels.to_matrix(frame["labels"]), list(labels.names))


def elsewhere_table(found: Mapping[Path, Mapping[str, float]]) -> Table:
    """By model and label; a label that a model lacks is left empty."""
    table = Table("model", title="AUROC of labels of the same name in another corpus")
    names = list(dict.fromkeys(name for scores in found.values() for name in scores))
    for name in names:
        table.add_column(name, justify="right")
    for folder, scores in found.items():
        table.add_row(
            str(folder), *(f"{scores[name]:.3f}" if name in scores else "" for name in names)
        )
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=Path, nargs="+", default=[paths.CLASSIFIER])
    parser.add_argument("--split", choices=("validation", "test"), default="validation")
    parser.add_argument("--rows", type=int, help="the first so many of them; all")
    parser.add_argument(
        "--elsewhere", type=Path, help="a checkout in which another corpus is split: its train rows"
    )
    options = parser.parse_args()
    pin_threads(1)
    columns = ("text", "labels", "duplicate_group")
    frame = read_parquet(paths.SPLIT / f"{options.split}.parquet", columns)[: options.rows]
    groups = frame["duplicate_group"].to_numpy()
    rows = Rows(frame["text"].tolist(), to_matrix(frame["labels"]), groups)
    other = elsewhere(options.elsewhere) if options.elsewhere else None
    console, found, ranked = Console(width=120), {}, {}
    for folder in options.models:
        model = EmotionClassifier.from_pretrained(folder)
        if other:
            ranked[folder] = other.auroc(model)
        found[folder] = {how: read_by(model, rewritten(rows.texts, how)) for how in REWRITINGS}
        title = f"{len(frame):,} rows of {options.split}, read by {folder}"
        console.print(cost_table(rows, found[folder], title))
    if len(found) > 1:
        console.print(gain_table(rows, found))
    if ranked:
        console.print(elsewhere_table(ranked))


if __name__ == "__main__":
    main()
