"""What speaks for or against synthetic rows: pictures and purity, against validation rows."""

import numpy as np

from emotion_slm import paths
from emotion_slm.balance import pictures
from emotion_slm.balance.probes import probes
from emotion_slm.balance.purity import neighbour_purity
from emotion_slm.encoder.vectors import read_vectors
from emotion_slm.evaluation.report import SAMPLE_CAPTION
from emotion_slm.files import read_parquet
from emotion_slm.labels import LABEL_INDEX, to_matrix
from emotion_slm.seeds import child_seed

DRAWN = 3  # labels of the scatter, the rarest
MIN_ROWS = 10  # train and validation rows below which a label's cloud shows nothing


def gather(vectors: np.ndarray, rows, per_label: dict, seed: int, corpus: str) -> dict:
    """Draw `metrics/plots/ismote_{scatter,counts}.png`; return what `neighbour_purity` returns.

    `vectors` and `rows` as `probes` takes them; `per_label`: that of `metrics/balance.json`.
    """
    validation = read_parquet(paths.SPLIT / "validation.parquet", ("id", "labels"))
    unseen, gold = read_vectors(paths.EMBEDDED, validation["id"]), to_matrix(validation["labels"])
    by_label = probes(vectors, rows, child_seed(seed, "probes"))
    purity = neighbour_purity(by_label, unseen, gold)

    drawn = [
        label for label, kinds in by_label.items()
        if min(len(kinds["real"]), purity["per_label"][label]["validation_rows"]) >= MIN_ROWS
    ][:DRAWN]  # fmt: skip
    clouds = {
        label: {**by_label[label], "validation": unseen[gold[:, LABEL_INDEX[label]] == 1]}
        for label in drawn
    }
    note = SAMPLE_CAPTION if corpus == "sample" else ""
    scatter, counts = (paths.PLOTS / f"ismote_{name}.png" for name in ("scatter", "counts"))
    pictures.scatter(clouds, purity["per_label"], scatter, note)
    pictures.counts(per_label, counts, note)
    return purity
