"""Change points: when a series of shares went over to another level."""

import numpy as np

LEAST = 4  # periods; fewer have no change point
SEGMENT = 2  # periods that a level lasts at least
PENALTY = 3.0  # times the log of the series' length: a little more than BIC's two


def change_points(means: np.ndarray, errors: np.ndarray) -> list[int]:
    """Places at which a new level begins, by exact search (PELT, Killick et al. 2012).

    `means`, `errors`: (periods,) mean probabilities and their standard errors, of periods with
    texts. The series is stabilised by the arcsine of the root. Its noise is the larger of what the
    errors say and what neighbouring periods differ by.
    """
    import ruptures

    if len(means) < LEAST:
        return []
    bounded = np.clip(means, 1e-6, 1 - 1e-6)
    series = np.arcsin(np.sqrt(bounded))
    stated = np.median(errors / (2 * np.sqrt(bounded * (1 - bounded))))
    steps = np.abs(np.diff(series))
    noise = max(stated, np.median(steps) / (0.6745 * np.sqrt(2)), 1e-9)
    search = ruptures.KernelCPD(kernel="linear", min_size=SEGMENT)
    found = search.fit((series / noise)[:, None]).predict(pen=PENALTY * np.log(len(series)))
    return [int(place) for place in found[:-1]]
