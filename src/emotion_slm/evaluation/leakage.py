"""The leak audit: proves from the files alone that no test or validation row reached training.

Nothing is trusted from the code that wrote the files. Each stage ends with its own part (split,
ismote, evaluate), so a leak stops the run before anything is trained on it; stage evaluate and
`emotion-slm audit` run all three.
"""

from pathlib import Path

from emotion_slm.evaluation.leakage_balance import audit_balance
from emotion_slm.evaluation.leakage_evaluation import audit_evaluation
from emotion_slm.evaluation.leakage_result import merged
from emotion_slm.evaluation.leakage_split import audit_split


def audit(root: Path = Path()) -> dict:
    """The content of metrics/leakage.json for the workspace at `root`."""
    return merged([audit_split(root), audit_balance(root), audit_evaluation(root)])
