"""One timed call in a process of its own: `python -m benchmarks.measure '{"contender": …}'`.

Prints JSON: seconds, and the peak of memory during the call above what was in use before it.
"""

import json
import sys
import time
from pathlib import Path

from benchmarks.contenders import generation, problem, whole


def main() -> None:
    task = json.loads(sys.argv[1])
    X, y = problem(task["class_rows"], task["columns"])
    small = problem(200, task["columns"])
    if task["part"] == "generation":
        generation(task["contender"])(*small, 300)()
        call = generation(task["contender"])(X, y, task["n_new"])
    else:
        whole(task["contender"])(*small, 300)  # imports and thread pools are not what is timed
        call = lambda: whole(task["contender"])(X, y, task["n_new"])  # noqa: E731
    before = memory("VmRSS", reset_peak=True)
    start = time.perf_counter()
    made = call()
    seconds = time.perf_counter() - start
    extra = memory("VmHWM") - before
    if made != task["n_new"]:
        raise SystemExit(f"{task['contender']} made {made} rows, not {task['n_new']}")
    print(json.dumps({"seconds": seconds, "extra_bytes": extra}))


def memory(field: str, reset_peak: bool = False) -> int:
    """Bytes of this process, from Linux's /proc."""
    if reset_peak:
        Path("/proc/self/clear_refs").write_text("5")
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    main()
