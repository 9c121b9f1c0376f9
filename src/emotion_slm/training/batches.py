"""Which rows make which batch: a function of seed and epoch alone, so a resumed run keeps it.

The number of processes has no part in it either: each batch is shared out among them.
"""

import numpy as np

from emotion_slm.params.training import TrainingParams

POOL_BATCHES = 50  # rows are sorted by length within pools of about this many batches


def epoch_batches(
    rows: int, params: TrainingParams, seed: int, epoch: int, lengths: np.ndarray | None = None
) -> list[np.ndarray]:
    """Row indices of each batch of `epoch`; every row is in exactly one batch.

    With `lengths`, (rows,), a batch holds rows of like length: little is padding (GoEmotions: 19
    tokens a text on average, 43 at most but for a handful), and the order stays random from epoch
    to epoch.
    """
    generator = np.random.default_rng([seed, epoch])
    order = generator.permutation(rows)
    if lengths is None:
        return _cut_by_count(order, params.batch_size)
    pool = POOL_BATCHES * _typical_batch(lengths, params)
    batches = [
        batch
        for chunk in np.split(order, range(pool, rows, pool))
        for batch in _cut(chunk, lengths[chunk], params)
    ]
    return [batches[index] for index in generator.permutation(len(batches))]


def ordered_batches(
    rows: int, params: TrainingParams, lengths: np.ndarray | None = None
) -> list[np.ndarray]:
    """Every row once, in order, or from short to long where there are `lengths`."""
    order = np.arange(rows)
    return (
        _cut_by_count(order, params.batch_size) if lengths is None else _cut(order, lengths, params)
    )


def steps_of(batches: list[np.ndarray], accumulation: int) -> list[list[np.ndarray]]:
    """Runs of `accumulation` batches, one per optimiser step; the last may be shorter."""
    return [batches[start : start + accumulation] for start in range(0, len(batches), accumulation)]


def _cut(rows: np.ndarray, lengths: np.ndarray, params: TrainingParams) -> list[np.ndarray]:
    by_length = np.argsort(lengths, kind="stable")
    if params.tokens_per_batch is None:
        return _cut_by_count(rows[by_length], params.batch_size)
    starts = _starts_within_budget(lengths[by_length], params.tokens_per_batch)
    return np.split(rows[by_length], starts)


def _cut_by_count(order: np.ndarray, size: int) -> list[np.ndarray]:
    return np.split(order, range(size, len(order), size))


def _typical_batch(lengths: np.ndarray, params: TrainingParams) -> int:
    if params.tokens_per_batch is None:
        return params.batch_size
    return max(1, int(params.tokens_per_batch / max(1.0, float(lengths.mean()))))


def _starts_within_budget(ascending: np.ndarray, budget: int) -> list[int]:
    """Where to cut so that rows × longest row stays within `budget`; a longer row stands alone."""
    starts, start = [], 0
    for index, length in enumerate(ascending.tolist()):
        if index > start and (index - start + 1) * max(1, length) > budget:
            starts.append(index)
            start = index
    return starts
