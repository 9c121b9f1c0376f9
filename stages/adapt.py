"""adapt: the SLM reads train's texts; in the published recipe it does not, and a marker says so."""

from functools import partial
from pathlib import Path

from emotion_slm.common import paths
from emotion_slm.common.console import stage
from emotion_slm.common.files import read_parquet
from emotion_slm.common.params import Document
from emotion_slm.common.processes import rank, relaunch
from emotion_slm.common.seeds import child_seed
from emotion_slm.common.threads import pin_threads
from emotion_slm.corpus.labels import CORPUS, load_corpus
from emotion_slm.encoder.adapt import adapt
from emotion_slm.encoder.adapted import write_frozen
from emotion_slm.encoder.params import AdaptParams, EncoderParams
from emotion_slm.encoder.start import ENCODER, keep
from emotion_slm.training.checkpoints import discard, resume_folder
from emotion_slm.training.curve import write_curve
from emotion_slm.training.trainer import summary

COLUMNS = ("id", "text", "labels")
CURVE = paths.PLOTS / "adapt_curve.csv"


def main() -> None:
    with stage("adapt") as report:
        document = Document.of_run()
        if document.is_none("adapt"):
            write_frozen(paths.ADAPTED)
            write_curve(CURVE, [])
            report(f"encoder stays frozen → {paths.ADAPTED}")
            return
        params = document.section("adapt", AdaptParams)
        relaunch(params.training.launch, "stages.adapt")
        pin_threads(document.threads)
        encoder = document.section("encoder", EncoderParams)
        inputs = [paths.SPLIT / "train.parquet", paths.SPLIT / "validation.parquet"]
        start = [keep(encoder) / ENCODER] if encoder.start else []
        own = [*inputs, paths.RAW / CORPUS, Path(__file__), *params.training.launch_files, *start]
        checkpoints = resume_folder("adapt", document, (encoder, params), own, encoder)
        train, validation = (read_parquet(path, COLUMNS) for path in inputs)
        seed = child_seed(document.seed, "adapt")
        write = partial(write_curve, CURVE)
        labels = load_corpus(paths.RAW).labels
        done = adapt(
            train, validation, labels, encoder, params, seed, paths.ADAPTED, checkpoints, write
        )
        if rank() == 0:
            discard(checkpoints)
        report(summary(done, len(train), params.training, paths.ADAPTED))


if __name__ == "__main__":
    main()
