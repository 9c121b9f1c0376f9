"""A bucket in, a bucket out."""

import json

import boto3
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest
from support.bulk import SerialPool, make_job, score_stubbed
from support.servers import BUCKET, S3_KEYS, refusing_s3_server, s3_server

from emotion_slm.bulk import run, storage
from emotion_slm.bulk.inputs import check_apart, find_inputs
from emotion_slm.bulk.storage import locate
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.scoring.formats import Format


@pytest.fixture(scope="module")
def server():
    with s3_server() as port:
        yield port


@pytest.fixture
def bucket(server, monkeypatch):
    """Client of an empty bucket, to which AWS' own variables lead."""
    _lead_to(server, monkeypatch)
    client = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{server}", **S3_KEYS)
    yield client
    listed = client.list_objects_v2(Bucket=BUCKET).get("Contents", [])
    for found in listed:
        client.delete_object(Bucket=BUCKET, Key=found["Key"])


def _lead_to(port: int, monkeypatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    monkeypatch.setenv("AWS_REGION", "us-east-1")


def put_rows(client, key: str, rows: int) -> None:
    sink = pa.BufferOutputStream()
    texts = [None if row == 3 else f"{key} {row}" for row in range(rows)]
    pq.write_table(pa.table({"text": texts}), sink, row_group_size=10)
    client.put_object(Bucket=BUCKET, Key=key, Body=sink.getvalue().to_pybytes())


def test_buckets_in_and_out(bucket, tmp_path):
    put_rows(bucket, "in/a.parquet", 25)
    put_rows(bucket, "in/deep er/b.parquet", 12)
    put_rows(bucket, "other/c.parquet", 5)
    source, output = f"s3://{BUCKET}/in", f"s3://{BUCKET}/out"
    found = find_inputs([source], any_suffix=False)
    assert found.uris == [f"{source}/a.parquet", f"{source}/deep er/b.parquet"]
    assert find_inputs([f"s3://{BUCKET}/*/*.parquet"], any_suffix=False).uris == [
        f"{source}/a.parquet",
        f"s3://{BUCKET}/other/c.parquet",
    ]
    job = make_job(output, Format.PARQUET)
    done, scored = score_stubbed(found.uris, job)
    assert (len(scored), done.manifest["rows"], done.manifest["rejected"]) == (5, 37, 2)
    place = locate(output)
    table = pa.dataset.dataset(place.path, filesystem=place.filesystem, format="parquet").to_table()
    assert len(set(table["text"].to_pylist())) == 35
    keys = [one["Key"] for one in bucket.list_objects_v2(Bucket=BUCKET)["Contents"]]
    assert not [key for key in keys if "scratch" in key or ".part" in key.split("/")[-1][1:5]]
    stored = bucket.get_object(Bucket=BUCKET, Key="out/_MANIFEST.json")["Body"].read()
    assert json.loads(stored) == json.loads(json.dumps(done.manifest))
    assert run.verify_files(found.uris, job, SerialPool(job))[0] == []

    # The same object put again has the same ETag; another one has not.
    put_rows(bucket, "in/a.parquet", 25)
    assert score_stubbed(found.uris, job)[1] == []
    put_rows(bucket, "in/a.parquet", 15)
    with pytest.raises(EmotionSlmError, match="--replace"):
        score_stubbed(found.uris, job)
    done, scored = score_stubbed(found.uris, job, replace=True)
    assert (len(scored), done.units) == (2, 4)
    assert run.verify_files(found.uris, job, SerialPool(job))[0] == []


def test_csv_is_cut_in_a_bucket_as_on_disk(bucket, tmp_path):
    content = b'id,text\n1,"a\nb"\n2,c\n3\n' * 9
    bucket.put_object(Bucket=BUCKET, Key="in/x.csv", Body=content)
    (tmp_path / "x.csv").write_bytes(content)
    jobs = [make_job(to, Format.CSV) for to in (f"s3://{BUCKET}/out", tmp_path / "out")]
    score_stubbed([f"s3://{BUCKET}/in/x.csv"], jobs[0])
    score_stubbed([tmp_path / "x.csv"], jobs[1])
    listed = bucket.list_objects_v2(Bucket=BUCKET, Prefix="out/part-")["Contents"]
    in_bucket = {bucket.get_object(Bucket=BUCKET, Key=one["Key"])["Body"].read() for one in listed}
    assert in_bucket == {path.read_bytes() for path in (tmp_path / "out").glob("part-*")}
    assert len(in_bucket) > 1


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (f"s3://{BUCKET}/none", "nothing to score there"),
        (f"s3://{BUCKET}/none/*.csv", "no file of such a name"),
        ("s3://no-such-bucket/x", "nothing to score there"),
    ],
)
def test_what_names_nothing_is_told(bucket, given, expected):
    with pytest.raises(EmotionSlmError, match=expected) as raised:
        find_inputs([given], any_suffix=False)
    assert given in str(raised.value)


def test_outputs_are_never_inputs(bucket):
    put_rows(bucket, "in/a.parquet", 5)
    given = [f"s3://{BUCKET}/in"]
    found = find_inputs(given, any_suffix=False)
    check_apart(given, found, locate(f"s3://{BUCKET}/in2"))
    with pytest.raises(EmotionSlmError, match="lies in the input"):
        check_apart(given, found, locate(f"s3://{BUCKET}/in/out"))


def test_a_bucket_that_lets_nobody_in_is_named(monkeypatch):
    with refusing_s3_server() as port:
        _lead_to(port, monkeypatch)
        with pytest.raises(EmotionSlmError, match=r"s3://shut/in: .*ACCESS_DENIED"):
            find_inputs(["s3://shut/in"], any_suffix=False)


def test_an_output_that_cannot_be_written_is_named_first(bucket, tmp_path):
    (tmp_path / "x.csv").write_text("text\na\n")
    job = make_job("s3://no-such-bucket/out", Format.CSV)
    with pytest.raises(EmotionSlmError, match=r"s3://no-such-bucket/out/.*NO_SUCH_BUCKET"):
        score_stubbed([tmp_path / "x.csv"], job)


def test_a_large_part_arrives_whole(bucket, tmp_path):
    content = bytes(range(256)) * 48_000  # more than one part of an upload
    (tmp_path / "part").write_bytes(content)
    place = locate(f"s3://{BUCKET}/out/part")
    storage.put(tmp_path / "part", place)
    assert storage.read(place) == content
