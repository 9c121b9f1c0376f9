"""Thread counts: pinned from params.yaml, because float sums depend on them."""

import os
import sys


def pin_threads(count: int) -> None:
    """Use `count` threads in torch and in the BLAS and OpenMP pools of this process."""
    # Imported for their thread pools: only pools that are loaded can be limited.
    import scipy.linalg  # noqa: F401
    import sklearn  # noqa: F401
    from threadpoolctl import threadpool_limits

    os.environ["OMP_NUM_THREADS"] = str(count)  # torch goes by it when it is imported later
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(count)
    threadpool_limits(count)
