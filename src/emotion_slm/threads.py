"""Thread counts: pinned from params.yaml, because float sums depend on them."""


def pin_threads(count: int) -> None:
    """Use `count` threads in torch and in the BLAS and OpenMP pools of this process."""
    import torch
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(count)
    threadpool_limits(count)
