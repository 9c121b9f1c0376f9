"""The released model by way of other remotes: a folder, S3's protocol and SSH on this machine."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from support.repository import commit, git
from support.servers import (
    BUCKET,
    HOST,
    USER,
    Dying,
    SshServer,
    refusing_s3_server,
    s3_server,
    ssh_server,
)

from emotion_slm.common.files import sha256_file
from emotion_slm.workbench.release import fetch

ROOT = Path(__file__).parents[2]
MODEL = "models/classifier"
KINDS = ("folder", "s3", "ssh")


class Servers(NamedTuple):
    s3: int
    ssh: SshServer
    folder: Path


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("servers")
    with s3_server() as s3, ssh_server(folder) as ssh:
        yield Servers(s3, ssh, folder / "remote")


CONFIG = """\
[core]
    remote = release
    analytics = false
    check_update = false
['remote "release"']
    url = ../release
    verify = true
"""


@pytest.fixture(scope="module")
def holder(tmp_path_factory):
    """A repository whose one output is the released model; tests add remotes of their own."""
    folder = tmp_path_factory.mktemp("holder") / "clone"
    (folder / ".dvc").mkdir(parents=True)
    (folder / ".dvc/config").write_text(CONFIG)
    (folder / ".dvc/.gitignore").write_text("/config.local\n/tmp\n/cache\n")
    (folder / "dvc.yaml").write_text(f"artifacts: {{classifier: {{path: {MODEL}, type: model}}}}\n")
    shutil.copytree(ROOT / "release", folder / "release")
    fetch(str(ROOT), folder / MODEL)
    git(folder, "init", "-q", "-b", "main")
    run(folder, "add", "--quiet", MODEL)
    commit(folder, "the released model")
    return folder


@pytest.fixture
def clone(holder, tmp_path):
    """A fresh clone of it."""
    subprocess.run(["git", "clone", "--quiet", holder, tmp_path / "clone"], check=True)
    return tmp_path / "clone"


def dvc(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_MAX_ATTEMPTS": "1"}
    return subprocess.run(
        [sys.executable, "-m", "dvc", *arguments],
        cwd=folder,
        env={
            **os.environ,
            **keys,
            "AWS_DEFAULT_REGION": "us-east-1",
            "HOME": str(folder),  # a person's own SSH keys are none of the test's
        },
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=120,
    )


def run(folder: Path, *arguments: str) -> None:
    done = dvc(folder, *arguments)
    assert done.returncode == 0, done.stderr


def write_remote(
    folder: Path,
    kind: str,
    servers: Servers,
    name: str = "model",
    port: int | None = None,
    key: Path | None = None,
) -> None:
    """Remote `mine` in .dvc/config.local, as `dvc remote add --local` would write it."""
    ssh = f"ssh://{USER}@{HOST}:{port or servers.ssh.port}/{name}"
    values = {
        "folder": {"url": servers.folder / name},
        "s3": {
            "url": f"s3://{BUCKET}/{name}",
            "endpointurl": f"http://{HOST}:{port or servers.s3}",
        },
        "ssh": {"url": ssh, "keyfile": key or servers.ssh.key},
    }
    lines = [f"    {option} = {value}" for option, value in values[kind].items()]
    (folder / ".dvc/config.local").write_text("\n".join(["['remote \"mine\"']", *lines, ""]))


def hashes(folder: Path) -> dict[str, str]:
    return {path.name: sha256_file(path) for path in sorted(folder.rglob("*")) if path.is_file()}


def cached(folder: Path) -> int:
    """Bytes in the clone's DVC cache, the listing of the folder left out."""
    objects = (folder / ".dvc/cache").rglob("*")
    return sum(path.stat().st_size for path in objects if path.is_file() and path.suffix != ".dir")


@pytest.mark.parametrize("kind", KINDS)
def test_the_model_travels_and_nothing_else_with_it(holder, clone, servers, kind):
    for folder, verb in ((holder, "push"), (clone, "pull")):
        write_remote(folder, kind, servers, name="travels")
        run(folder, verb, "--remote", "mine", MODEL)
    assert hashes(clone / MODEL) == hashes(holder / MODEL)
    assert cached(clone) == sum(path.stat().st_size for path in (clone / MODEL).iterdir())


@pytest.mark.slow
def test_a_tagged_model_is_had_by_url_where_the_remote_has_one(holder, clone, servers, tmp_path):
    """`dvc get` and `dvc artifacts get` from a repository whose committed remote is absolute."""
    write_remote(clone, "folder", servers, name="tagged")
    (clone / ".dvc/config.local").rename(clone / ".dvc/config")
    with (clone / ".dvc/config").open("a") as stream:
        stream.write("[core]\n    remote = mine\n")
    commit(clone, "a remote of its own")
    git(clone, "tag", "-a", "classifier@v1.0.0", "-m", "released")
    shutil.copytree(holder / ".dvc/cache", clone / ".dvc/cache")
    run(clone, "push", MODEL)
    shutil.rmtree(clone / ".dvc/cache")
    url = f"file://{clone}"
    run(tmp_path, "get", url, MODEL, "--rev", "classifier@v1.0.0", "--out", "by-path")
    run(tmp_path, "artifacts", "get", url, "classifier", "--rev", "v1.0.0", "--out", "by-name")
    for name in ("by-path", "by-name"):
        assert hashes(tmp_path / name) == hashes(holder / MODEL)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["s3", "ssh"])
def test_a_server_that_dies_during_a_push_leaves_the_cache_whole_and_a_retry_completes(
    holder, clone, servers, kind
):
    before = hashes(holder / ".dvc/cache")
    dying = Dying(servers.s3 if kind == "s3" else servers.ssh.port, size=5_000_000)
    write_remote(holder, kind, servers, name="dies", port=dying.port)
    failed = dvc(holder, "push", "--remote", "mine", MODEL)
    assert dying.dead and failed.returncode != 0 and "ERROR: failed to push" in failed.stderr
    assert hashes(holder / ".dvc/cache") == before
    write_remote(holder, kind, servers, name="dies")
    run(holder, "push", "--remote", "mine", MODEL)
    write_remote(clone, kind, servers, name="dies")
    run(clone, "pull", "--remote", "mine", MODEL)
    assert hashes(clone / MODEL) == hashes(holder / MODEL)


@pytest.mark.parametrize(("kind", "reason"), [("s3", "403"), ("ssh", "Permission denied")])
def test_wrong_credentials_are_named_and_nothing_is_lost(holder, servers, kind, reason):
    before = hashes(holder / ".dvc/cache")
    with refusing_s3_server() as refusing:
        if kind == "s3":
            write_remote(holder, kind, servers, port=refusing)
        else:
            write_remote(holder, kind, servers, key=servers.ssh.unknown_key)
        failed = dvc(holder, "push", "--remote", "mine", MODEL)
    assert failed.returncode != 0 and reason in failed.stderr
    assert hashes(holder / ".dvc/cache") == before


def test_a_server_that_is_gone_fails_the_pull_and_a_retry_completes_it(clone, servers):
    write_remote(clone, "s3", servers, port=9)
    failed = dvc(clone, "pull", "--remote", "mine", MODEL)
    assert failed.returncode != 0 and f"{HOST}:9" in failed.stderr
    assert not (clone / MODEL).exists()
    run(clone, "pull", MODEL)
    assert hashes(clone / MODEL)


def test_a_flipped_bit_in_a_remote_is_refused_and_the_object_fetched_again(clone):
    released = clone / "release"
    largest = max((p for p in released.rglob("*") if p.is_file()), key=lambda p: p.stat().st_size)
    sound = shutil.copyfile(largest, clone.parent / "sound")
    content = bytearray(largest.read_bytes())
    content[1000] ^= 1
    largest.chmod(0o644)
    largest.write_bytes(content)
    assert dvc(clone, "pull", MODEL).returncode != 0
    largest.parent.mkdir(exist_ok=True)
    shutil.copyfile(sound, largest)  # DVC deletes an object it found to be false
    run(clone, "pull", MODEL)
    assert sha256_file(clone / MODEL / "encoder.safetensors") == sha256_file(sound)
