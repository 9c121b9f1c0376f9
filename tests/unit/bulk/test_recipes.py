"""The recipes of docs/operate/scale.md, run on this machine."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ruamel.yaml import YAML

PAGE = Path(__file__).parents[3] / "docs/operate/scale.md"
pytestmark = pytest.mark.slow


def block(language: str) -> str:
    return re.search(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)[1]


@pytest.fixture
def files(tmp_path) -> Path:
    (tmp_path / "in").mkdir()
    for number in range(3):
        table = pa.table({"id": range(20), "text": ["happy cat", "sad dog"] * 10})
        pq.write_table(table, tmp_path / f"in/{number}.parquet", row_group_size=5)
    return tmp_path / "in"


def test_the_indexed_job(files, exported, tmp_path):
    """Four processes at once in place of sixteen pods, folders in place of buckets."""
    job = YAML(typ="safe").load(block("yaml"))["spec"]
    assert job["completionMode"] == "Indexed" and job["completions"] == 16
    (container,) = job["template"]["spec"]["containers"]
    shell, option, command = container["command"]
    for before, after in (
        ("emotion-slm", f"{sys.executable} -m emotion_slm.cli.app"),
        ("s3://bucket/in", str(files)),
        ("s3://bucket/out", str(tmp_path / "out")),
        ("/models/int8", str(exported)),
        ("$JOB_COMPLETION_INDEX/16", "$JOB_COMPLETION_INDEX/4"),
    ):
        assert before in command
        command = command.replace(before, after)
    pods = [
        subprocess.Popen(
            [shell, option, command], env={**os.environ, "JOB_COMPLETION_INDEX": str(index)}
        )
        for index in range(4)
    ]
    assert [pod.wait(timeout=300) for pod in pods] == [0, 0, 0, 0]
    manifest = json.loads((tmp_path / "out/_MANIFEST.json").read_text())
    assert (len(manifest["units"]), manifest["scored"]) == (12, 60)
    assert len(list((tmp_path / "out").glob("part-*"))) == 12


def test_map_in_pandas(files, exported, tmp_path):
    pytest.importorskip("pyspark", reason="Spark is not installed")
    recipe = block("python")
    for before, after in (("/models/int8", str(exported)), ("s3://bucket/out", f"{tmp_path}/out")):
        assert before in recipe
        recipe = recipe.replace(before, after)
    script = tmp_path / "recipe.py"
    script.write_text(
        "from pyspark.sql import SparkSession\n"
        "from pyspark.sql.types import ArrayType, StringType, StructField, StructType\n"
        'spark = SparkSession.builder.master("local[2]").getOrCreate()\n'
        f"rows = spark.read.parquet({str(files)!r})\n" + recipe
    )
    environment = {**os.environ, "PYSPARK_PYTHON": sys.executable}
    subprocess.run([sys.executable, script], env=environment, check=True, timeout=300)
    table = pq.read_table(tmp_path / "out")
    assert len(table) == 60 and table.column_names == ["id", "text", "labels"]
