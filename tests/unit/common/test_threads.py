import subprocess
import sys

import pytest

SCRIPT = """
from emotion_slm.common.threads import pin_threads
pin_threads(1)
import sklearn.neighbors, scipy.linalg, numpy, torch
from threadpoolctl import threadpool_info
print(sorted({pool["num_threads"] for pool in threadpool_info()}), torch.get_num_threads())
"""


@pytest.mark.slow
def test_every_pool_is_pinned_even_those_of_libraries_imported_later():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[1] 1"
