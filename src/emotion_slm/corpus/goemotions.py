"""GoEmotions on the hub: which files, pinned by hash and revision."""

SHA256 = {
    "train.tsv": "1c254a142be5c00e80d819b9ae1bbd36d94b2eeb8f4b1271846508d57e57d9c5",
    "dev.tsv": "575489c079c9de1097062a01738f998590d6b7ead66dd1c9fd1d2ba01fd8bc62",
    "test.tsv": "0587b2dd8b27b97352adbfc3fb083d46005c8946657fdc2b1ca8b1cc7f1f8be4",
}
HUB_DATASET = "google-research-datasets/go_emotions"
HUB_REVISION = "add492243ff905527e67aeb8b80c082af02207c3"
HUB_CONFIG = "simplified"  # one row per comment, the labels at least two raters gave
HUB_FILES = {
    "train.tsv": f"{HUB_CONFIG}/train-00000-of-00001.parquet",
    "dev.tsv": f"{HUB_CONFIG}/validation-00000-of-00001.parquet",
    "test.tsv": f"{HUB_CONFIG}/test-00000-of-00001.parquet",
}
