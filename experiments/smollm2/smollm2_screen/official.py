"""What stage adapt of a workspace made, judged on validation and looked at once on test.

    python -m smollm2_screen.official WORKSPACE

WORKSPACE is a checkout with `profile: smollm2` and `split.protocol: official` in which stage adapt
has run. Its model and head score validation and test; calibration and thresholds come from
validation. official.json holds the metrics; where it is there already, test is not read.
"""

import sys
import time
from collections.abc import Sequence
from contextlib import chdir
from pathlib import Path

from emotion_slm.backbone.pretrained import locate
from emotion_slm.classifier.architectures import load_adapted_head
from emotion_slm.classifier.finetuned import logits
from emotion_slm.common import paths
from emotion_slm.common.files import read_parquet, write_json
from emotion_slm.common.params import Document
from emotion_slm.common.seeds import child_seed
from emotion_slm.common.threads import pin_threads
from emotion_slm.common.together import rows_together
from emotion_slm.corpus.labels import load_corpus
from emotion_slm.encoder.adapted import ENCODER, load_encoder, read_adapted
from emotion_slm.encoder.embed import embed
from emotion_slm.encoder.params import EncoderParams
from emotion_slm.encoder.text_classifier import Tokenizer
from emotion_slm.evaluation.evaluate import Scored, evaluate
from emotion_slm.evaluation.params import EvaluateParams

RESULTS = Path("official.json")
BATCH = 32
COLUMNS = ("id", "text", "labels", "duplicate_group")


def score(document: Document, splits: Sequence[str]) -> tuple[list[Scored], float]:
    """Splits of the workspace that is the current folder, scored, and texts per second."""
    encoder = document.section("encoder", EncoderParams)
    labels = load_corpus(paths.RAW).labels
    model = load_encoder(encoder, read_adapted(paths.ADAPTED), paths.ADAPTED / ENCODER)
    tokenizer = Tokenizer(locate(encoder), encoder.max_length)
    head = load_adapted_head(paths.ADAPTED, model.head.in_features, labels.names)
    parts, texts, started = [], 0, time.monotonic()
    for split in splits:
        frame = read_parquet(paths.SPLIT / f"{split}.parquet", COLUMNS)
        vectors = embed(frame["text"].tolist(), model, tokenizer, BATCH, lambda _: None)
        gold = labels.to_matrix(frame["labels"])
        parts.append(Scored(logits(head, vectors), gold, rows_together(frame), labels))
        texts += len(frame)
    return parts, texts / (time.monotonic() - started)


def main() -> None:
    if len(sys.argv) != 2:
        raise SystemExit("usage: python -m smollm2_screen.official WORKSPACE")
    if RESULTS.exists():
        raise SystemExit(f"{RESULTS} has the look at test already")
    with chdir(sys.argv[1]):
        document = Document.read()
        pin_threads(document.threads)
        parts, speed = score(document, ("validation", "test"))
        thresholds = document.section("evaluate", EvaluateParams).thresholds
        found = evaluate(*parts, thresholds, child_seed(document.seed, "evaluate"))
    content = {"validation": found.validation, "test": found.test, "texts_per_second": speed}
    write_json(RESULTS, content)
    print(content)


if __name__ == "__main__":
    main()
