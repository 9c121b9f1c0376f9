import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


@pytest.fixture(params=WORKFLOWS, ids=lambda path: path.name)
def workflow(request) -> dict:
    return YAML(typ="safe").load(request.param)


def steps(workflow: dict) -> list[dict]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def test_the_token_may_only_read_unless_a_job_says_otherwise(workflow):
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert job.get("permissions", {}).get("contents", "read") == "read"
        assert job["timeout-minutes"] <= 60


def test_actions_are_github_s_own_and_pinned(workflow):
    for step in steps(workflow):
        assert re.fullmatch(r"actions/[a-z-]+@v\d+", step.get("uses", "actions/none@v1"))


def test_what_is_run_exists_and_takes_no_text_of_a_stranger(workflow):
    for command in (step["run"] for step in steps(workflow) if "run" in step):
        assert "${{" not in command  # a branch's name would be shell code
        assert set(re.findall(r"^make ([a-z-]+)", command)) <= TARGETS
        for script in re.findall(r"bash (\S+)", command):
            assert (ROOT / script).is_file()
