"""Thread counts: pinned from params.yaml, because float sums depend on them."""

import os
import sys

# OpenMP's and OpenBLAS's: a library that is imported later goes by them.
VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def pin_threads(count: int) -> None:
    """Use `count` threads in torch and in the BLAS and OpenMP pools of this process."""
    from threadpoolctl import threadpool_limits

    os.environ.update(dict.fromkeys(VARIABLES, str(count)))
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(count)
    threadpool_limits(count)  # of the libraries that are loaded
