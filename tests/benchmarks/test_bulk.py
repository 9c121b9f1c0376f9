"""Every arm at a tiny size: that it runs and what the table says, never how long it takes."""

import io

from rich.console import Console

from benchmarks import bulk
from benchmarks.bulk import BARE, Run


def test_the_bare_loop_and_the_pools_score_all_rows(exported, tmp_path):
    bulk.write_files(tmp_path / "in", 12, 2)
    results = bulk.measure(exported, tmp_path / "in", tmp_path / "out", 1)
    assert list(results)[:3] == [BARE, "local, 1 worker", "local, 2 workers"]
    assert all(one.seconds > 0 and one.memory > 10 for runs in results.values() for one in runs)


def test_the_table_compares_with_the_bare_loop():
    results = {
        BARE: [Run(10, 9, 100), Run(20, 18, 120)],
        "local, 1 worker": [Run(11, 9, 90), Run(22, 18, 95)],
    }
    screen = Console(file=io.StringIO(), width=120)
    screen.print(bulk.table(results, 1000, "title"))
    (line,) = (one for one in screen.file.getvalue().splitlines() if "local" in one)
    cells = [cell.strip() for cell in line.strip("│").split("│")]
    assert cells == ["local, 1 worker", "68", "45–91", "1.10", "1.10–1.10", "1.00", "95"]
