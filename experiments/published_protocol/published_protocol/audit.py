"""Stage audit: the pipeline's own audit of both arms' files → audit.json.

It only reports: the leaked arm is there to fail. Ids are left out.
"""

from pathlib import Path

from emotion_slm.audit.balance import audit_balance
from emotion_slm.audit.result import merged
from emotion_slm.audit.split import audit_split
from emotion_slm.common.files import write_json
from published_protocol import parameters
from published_protocol.layout import ARMS, AUDIT, workspace


def audit(root: Path) -> dict:
    """Counts of the split's and the balanced rows' audits of the workspace at `root`."""
    result = merged([audit_split(root), audit_balance(root)])
    return {name: result[name] for name in ("must_be_zero", "findings", "passed")}


def main() -> None:
    seeds = parameters.read()["seeds"]
    write_json(
        AUDIT, {arm: {str(seed): audit(workspace(arm, seed)) for seed in seeds} for arm in ARMS}
    )


if __name__ == "__main__":
    main()
