"""fetch: the corpus, checksum-verified, into data/raw."""

from emotion_slm.common import paths
from emotion_slm.common.console import stage
from emotion_slm.common.params import Document
from emotion_slm.corpus.fetch import fetch
from emotion_slm.corpus.params import FetchParams


def main() -> None:
    with stage("fetch") as report:
        params = Document.of_run().section("fetch", FetchParams)
        source = fetch(params.corpus, paths.RAW)
        report(f"{params.corpus} from {source} → {paths.RAW}")


if __name__ == "__main__":
    main()
