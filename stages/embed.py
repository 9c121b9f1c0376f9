"""embed: one vector per distinct text of the corpus, whatever split it is in."""

import numpy as np

from emotion_slm.backbone.pretrained import locate
from emotion_slm.common import paths
from emotion_slm.common.console import progress, stage
from emotion_slm.common.params import Document
from emotion_slm.common.threads import pin_threads
from emotion_slm.corpus.labels import load_corpus
from emotion_slm.corpus.tsv import read_corpus
from emotion_slm.encoder.adapted import ENCODER, load_encoder, read_adapted
from emotion_slm.encoder.embed import distinct_texts, embed
from emotion_slm.encoder.params import EmbedParams, EncoderParams
from emotion_slm.encoder.text_classifier import Tokenizer
from emotion_slm.encoder.vectors import write_vectors


def main() -> None:
    with stage("embed") as report:
        document = Document.of_run()
        pin_threads(document.threads)
        encoder = document.section("encoder", EncoderParams)
        params = document.section("embed", EmbedParams)
        corpus = read_corpus(paths.RAW, load_corpus(paths.RAW))
        texts, rows = distinct_texts(corpus["text"])
        model = load_encoder(encoder, read_adapted(paths.ADAPTED), paths.ADAPTED / ENCODER)
        tokenizer = Tokenizer(locate(encoder), encoder.max_length)
        with progress("embedding", len(texts)) as advance:
            vectors = embed(texts, model, tokenizer, params.batch_size, advance)
        write_vectors(paths.EMBEDDED, vectors, corpus["id"], rows, encoder)
        report(f"{len(texts):,} texts × {np.shape(vectors)[1]} → {paths.EMBEDDED}")


if __name__ == "__main__":
    main()
