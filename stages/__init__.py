"""The stages of dvc.yaml, each run as `python -m stages.NAME`; Python imports this before them."""

import os

# OpenMP's threads wait for each other by spinning, which on a machine with other work to do took
# nine tenths of the CPU time of stage finetune. An OpenMP reads this when a library loads it, hence
# before any import of a stage. Numbers do not depend on it: no stage declares this file.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
