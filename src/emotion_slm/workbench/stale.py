"""The no-data gate: would DVC run a stage on the code, params and declared inputs as they are?

`make check-lock` runs this, in a clone without data too: committed metrics must come from
committed code.
"""

import re

from emotion_slm.common.console import console, fail
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.workbench.repository import output, run_dvc


def stale_stages() -> list[str]:
    """Stages that `dvc repro` would run, in order; missing outputs alone are no reason to.

    Without data, DVC ends at the first stage that reads what a stale one would have to make: that
    stage is the last one named. EmotionSlmError when DVC cannot read the pipeline.
    """
    arguments = ("repro", "--dry", "--allow-missing")
    done = run_dvc(*arguments)
    stale = re.findall(r"^Running stage '([^']+)'", done.stdout, re.M)
    ended_at = re.search(r"failed to reproduce '([^']+)'", done.stderr)
    if stale and ended_at:
        return [*stale, ended_at[1]]
    output(done, *arguments)
    return stale


def main() -> None:
    try:
        stale = stale_stages()
    except EmotionSlmError as error:
        fail(str(error))
    if stale:
        fail(
            f"dvc.lock is behind the code or params: `dvc repro` would run {', '.join(stale)}; "
            "run it and commit dvc.lock and metrics/"
        )
    console.print("dvc.lock matches the code, params and declared inputs")


if __name__ == "__main__":
    main()
