"""Thread counts: pinned from params.yaml, because float sums depend on them."""


def pin_threads(count: int) -> None:
    """Use `count` threads in torch and in the BLAS and OpenMP pools of this process."""
    # Imported for their thread pools: only pools that are loaded can be limited.
    import scipy.linalg  # noqa: F401
    import sklearn  # noqa: F401
    import torch
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(count)
    threadpool_limits(count)
