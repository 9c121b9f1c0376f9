"""A new corpus as text: its corpora/NAME.yaml, and its profile in params.yaml."""

import json
import re
from collections.abc import Sequence
from importlib.resources import files as resources
from pathlib import Path
from string import Template

from ruamel.yaml import YAML

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.params import checked
from emotion_slm.common.paths import CORPORA, PARAMS
from emotion_slm.corpus.description import Description
from emotion_slm.corpus.language import LATIN, Language
from emotion_slm.workbench.corpus_guess import Guess

TRAIN_SHARE = 0.6
SMALL, LARGE = 5_000, 20_000  # rows of train: see `settings`
SINGLE_LABEL_LOSS = "{name: cross_entropy, smoothing: 0.1}"
MULTI_LABEL_LOSS = "{name: asymmetric, gamma_positive: 0, gamma_negative: 2, clip: 0.05}"
DEFINED = 30  # labels whose definitions the description has room for


def description_of(name: str, by_role: dict[str, Path], guess: Guess, language: Language) -> bytes:
    """The text of corpora/NAME.yaml; EmotionSlmError when the guess makes no description."""
    text = guess.text[0] if len(guess.text) == 1 else guess.text
    files = {role: path.name for role, path in by_role.items()}
    means = "rows without labels: none (of the labels applies), unlabelled (left out), or a label"
    values = {
        "name": name,
        "title": _yaml(name.replace("-", " ").replace("_", " ").capitalize()),
        "language": language.code or ("en" if language.script in (LATIN, None) else "und"),
        "files": _yaml(files if len(files) > 1 else files["train"]),
        "text": _yaml(text),
        "labels": _yaml(guess.labels),
        "task": guess.task,
        "names": _yaml(list(guess.counts)),
        "empty": _line("empty", guess.empty, "none", means),
        "thin": _line("thin", guess.thin, "LABEL", "rows with it alone are thinned in train"),
        "identity": _line("id", guess.id, "COLUMN", "ids, each once; otherwise rows are numbered"),
        "group": _line("group", guess.group, "COLUMN", "its rows stay on one side of the split"),
        "time": _line("time", None, guess.time or "COLUMN", "split by time, the newest are test"),
        "definitions": _definitions(list(guess.counts)),
        "some": ", ".join(_yaml(label) for label in list(guess.counts)[:2]),
    }
    content = _template("description.yaml").substitute(values)
    checked(Description, load_text(content), CORPORA / f"{name}.yaml")
    return content.encode()


def _line(key: str, value: str | None, example: str, why: str) -> str:
    """A key with its value, or as a comment for whoever wants it."""
    said = f"{key}: {_yaml(value)}" if value else f"# {key}: {example}"
    return f"{said}      # {why}"


def _definitions(names: Sequence[str]) -> str:
    """A line for each label, of many as a comment: those that are left out mean their name."""
    lines = [f"  {_yaml(name)}: {_yaml(name)}" for name in names[:DEFINED]]
    more = f"\n  # and {len(names) - DEFINED} more" if len(names) > DEFINED else ""
    return "\n".join(lines) + more


def _yaml(value: object) -> str:
    """A value on one line: JSON is YAML; what needs no quotes gets none."""
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z_][\w .-]*", value):
        loaded = load_text(f"value: {value}")["value"]
        if loaded == value:
            return value
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_yaml(k)}: {_yaml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_yaml, value)) + "]"
    return "".join(map(_escaped, json.dumps(value, ensure_ascii=False)))


def _escaped(letter: str) -> str:
    """Of what JSON leaves as it is, YAML takes no control character and breaks lines at some."""
    if letter.isprintable():
        return letter
    return f"\\u{ord(letter):04x}" if ord(letter) < 0x10000 else f"\\U{ord(letter):08x}"


def load_text(text: str) -> dict:
    return YAML(typ="safe", pure=True).load(text)


def with_profile(params: str, name: str, rows: int, guess: Guess) -> bytes:
    """params.yaml with the profile after the others, and all else as it was."""
    lines = params.splitlines(keepends=True)
    begin = next(place for place, line in enumerate(lines) if re.match("profiles:", line))
    after = (place for place in range(begin + 1, len(lines)) if re.match(r"[^\s#]", lines[place]))
    end = next(after, len(lines))
    profile = _template("profile.yaml").substitute(_settings(name, rows, guess))
    before = "".join(lines[:end])
    text = f"{before.rstrip()}\n{profile}" + ("\n" if end < len(lines) else "")
    text += "".join(lines[end:])
    old, new = load_text(params), load_text(text)
    if new["profiles"].pop(name, None) is None or new != old:
        raise EmotionSlmError(
            f"{PARAMS}: no place for a profile was found in it; write its `profiles:` as a block"
        )
    return text.encode()


def _settings(name: str, rows: int, guess: Guess) -> dict[str, object]:
    """What the profile's template leaves open, for about TRAIN_SHARE of the rows to train on.

    A step count fits small and large corpora alike: fewer rows are read more often, in smaller
    batches. Balancing grows labels to half of the most frequent one that is not thinned.
    """
    train = TRAIN_SHARE * rows
    counts = [count for name, count in guess.counts.items() if name != guess.thin]
    most = round(TRAIN_SHARE * max(counts))
    single = guess.task == "single_label"
    loss = SINGLE_LABEL_LOSS if single else MULTI_LABEL_LOSS
    return {
        "name": name,
        "title": name,
        "rows": f"{rows:,}",
        "adapt_loss": loss,
        "finetune_loss": loss,
        "epochs": 5 if train < SMALL else 3 if train < LARGE else 2,
        "batch_size": 16 if train < SMALL else 32,
        "learning_rate": "1.5e-4",
        "selection": "macro_f1" if single else "map",
        "undersample": f"{{keep: {most}}}" if guess.thin else "none",
        "target": max(2, most // 2),
        "excluded": _yaml([guess.thin] if guess.thin else []),
        "finetune_batch_size": 32 if train < SMALL else 256,
    }


def _template(name: str) -> Template:
    return Template((resources("emotion_slm.workbench") / "templates" / name).read_text("utf-8"))
