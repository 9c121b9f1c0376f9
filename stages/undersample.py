"""undersample: thin the rows of train that carry the corpus's thin label and nothing else."""

from emotion_slm.balance.params import UndersampleParams
from emotion_slm.balance.undersample import undersample
from emotion_slm.common import paths
from emotion_slm.common.console import stage
from emotion_slm.common.files import read_parquet, write_parquet
from emotion_slm.common.params import Document
from emotion_slm.common.seeds import child_seed
from emotion_slm.corpus.labels import load_corpus
from emotion_slm.corpus.split import COLUMNS


def main() -> None:
    with stage("undersample") as report:
        document = Document.of_run()
        train = read_parquet(paths.SPLIT / "train.parquet", COLUMNS)
        kept = train
        if not document.is_none("undersample"):
            params = document.section("undersample", UndersampleParams)
            seed = child_seed(document.seed, "undersample")
            kept = undersample(train, load_corpus(paths.RAW).labels.thin, params.keep, seed)
        write_parquet(paths.UNDERSAMPLED / "train.parquet", kept)
        report(f"{len(kept):,} of {len(train):,} train rows → {paths.UNDERSAMPLED}")


if __name__ == "__main__":
    main()
