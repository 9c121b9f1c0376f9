"""Stage embed: the frozen encoder's vector of every text → embedded/."""

from pathlib import Path

from goemotions import CORPUS

from emotion_slm.backbone.pretrained import locate
from emotion_slm.common.threads import pin_threads
from emotion_slm.corpus.tsv import read_corpus
from emotion_slm.encoder.adapted import Adapted, load_encoder
from emotion_slm.encoder.embed import distinct_texts, embed
from emotion_slm.encoder.params import EmbedParams, EncoderParams
from emotion_slm.encoder.text_classifier import Tokenizer
from emotion_slm.encoder.vectors import write_vectors
from published_protocol import parameters

RAW = Path("../../data/raw")
EMBEDDED = Path("embedded")


def main() -> None:
    pin_threads(parameters.read()["threads"])
    encoder = parameters.section("encoder", EncoderParams)
    batch_size = parameters.section("embed", EmbedParams).batch_size
    corpus = read_corpus(RAW, CORPUS)
    texts, rows = distinct_texts(corpus["text"])
    model = load_encoder(encoder, Adapted(frozen=True), None)
    tokenizer = Tokenizer(locate(encoder), encoder.max_length)
    vectors = embed(texts, model, tokenizer, batch_size, lambda _: None)
    write_vectors(EMBEDDED, vectors, corpus["id"], rows, encoder)


if __name__ == "__main__":
    main()
