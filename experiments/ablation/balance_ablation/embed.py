"""Stage embed: vectors of every text from the pretrained encoder as it comes.

Pooling, length and scale are those of the adapted encoder, so that adaptation is all that differs.
"""

from collections.abc import Sequence
from pathlib import Path

from balance_ablation.corpus import read_splits
from balance_ablation.params import read_encoder, read_params
from balance_ablation.places import FROZEN_VECTORS
from emotion_slm.backbone.pretrained import locate
from emotion_slm.common.console import progress, stage
from emotion_slm.common.threads import pin_threads
from emotion_slm.encoder.adapted import Adapted, load_encoder
from emotion_slm.encoder.embed import distinct_texts, embed
from emotion_slm.encoder.params import EncoderParams
from emotion_slm.encoder.text_classifier import Tokenizer
from emotion_slm.encoder.vectors import write_vectors

BATCH_SIZE = 32


def embed_to(
    folder: Path,
    frames: Sequence,
    encoder: EncoderParams,
    adapted: Adapted,
    weights: Path | None = None,
) -> int:
    """Write the vectors of the texts of `frames` to `folder`; the number of distinct texts.

    `frames` hold `id, text`. `weights`: what adaptation learnt, for an encoder that is not frozen.
    """
    ids = [identity for frame in frames for identity in frame["id"]]
    texts, rows = distinct_texts([text for frame in frames for text in frame["text"]])
    model = load_encoder(encoder, adapted, weights)
    tokenizer = Tokenizer(locate(encoder), encoder.max_length)
    with progress("embedding", len(texts)) as advance:
        vectors = embed(texts, model, tokenizer, BATCH_SIZE, advance)
    write_vectors(folder, vectors, ids, rows, encoder)
    return len(texts)


def main() -> None:
    with stage("embed") as report:
        params = read_params()
        pin_threads(params.threads)
        frames = list(read_splits().values())
        count = embed_to(FROZEN_VECTORS, frames, read_encoder(params), Adapted(frozen=True))
        report(f"{count:,} texts → {FROZEN_VECTORS}")


if __name__ == "__main__":
    main()
