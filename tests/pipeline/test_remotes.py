"""The released model by way of other remotes: a folder, and S3's protocol on this machine."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from emotion_slm.files import sha256_file

ROOT = Path(__file__).parents[2]
MODEL = "models/classifier"
BUCKET = "models"


@pytest.fixture(scope="module")
def s3():
    """URL of a server that speaks S3's protocol and holds an empty bucket."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}
    boto3.client("s3", endpoint_url=url, **keys).create_bucket(Bucket=BUCKET)
    yield url
    server.stop()


@pytest.fixture
def clone(tmp_path):
    """Function: name → a fresh clone of this repository."""

    def make(name: str) -> Path:
        folder = tmp_path / name
        subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
        return folder

    return make


def dvc(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_MAX_ATTEMPTS": "1"}
    return subprocess.run(
        [sys.executable, "-m", "dvc", *arguments],
        cwd=folder,
        env={**os.environ, **keys, "AWS_DEFAULT_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        check=False,
    )


def run(folder: Path, *arguments: str) -> None:
    done = dvc(folder, *arguments)
    assert done.returncode == 0, done.stderr


def add_s3(folder: Path, url: str) -> None:
    run(folder, "remote", "add", "--local", "mine", f"s3://{BUCKET}/emotion-slm")
    run(folder, "remote", "modify", "--local", "mine", "endpointurl", url)


def hashes(folder: Path) -> dict[str, str]:
    return {path.name: sha256_file(path) for path in sorted((folder / MODEL).iterdir())}


def cached(folder: Path) -> int:
    """Bytes in the clone's DVC cache, the listing of the folder left out."""
    objects = (folder / ".dvc/cache").rglob("*")
    return sum(path.stat().st_size for path in objects if path.is_file() and path.suffix != ".dir")


def test_the_model_travels_by_s3_and_nothing_else_with_it(clone, s3):
    first, second = clone("first"), clone("second")
    run(first, "pull", MODEL)
    add_s3(first, s3)
    run(first, "push", "--remote", "mine", MODEL)
    add_s3(second, s3)
    run(second, "pull", "--remote", "mine", MODEL)
    assert hashes(second) == hashes(first)
    assert cached(second) == sum(path.stat().st_size for path in (second / MODEL).iterdir())


def test_a_server_that_is_gone_fails_the_pull_and_a_retry_completes_it(clone, s3):
    folder = clone("retry")
    add_s3(folder, "http://127.0.0.1:9")
    failed = dvc(folder, "pull", "--remote", "mine", MODEL)
    assert failed.returncode != 0 and "127.0.0.1:9" in failed.stderr
    assert not (folder / MODEL).exists()
    run(folder, "pull", MODEL)
    assert hashes(folder)


def test_a_flipped_bit_in_a_remote_is_refused_and_the_object_fetched_again(clone):
    folder = clone("flipped")
    released = folder / "release"
    largest = max((p for p in released.rglob("*") if p.is_file()), key=lambda p: p.stat().st_size)
    sound = shutil.copyfile(largest, folder.parent / "sound")
    content = bytearray(largest.read_bytes())
    content[1000] ^= 1
    largest.chmod(0o644)
    largest.write_bytes(content)
    assert dvc(folder, "pull", MODEL).returncode != 0
    largest.parent.mkdir(exist_ok=True)
    shutil.copyfile(sound, largest)  # DVC deletes an object it found to be false
    run(folder, "pull", MODEL)
    assert sha256_file(folder / MODEL / "encoder.safetensors") == sha256_file(sound)
