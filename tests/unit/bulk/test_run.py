"""What a folder of outputs promises: every row once, and nothing of another run."""

import json
import os
import re
import shutil
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest
from support.bulk import SerialPool, make_job, score_stubbed

from emotion_slm.bulk import run, storage
from emotion_slm.bulk.layout import MANIFEST
from emotion_slm.bulk.worker import Failure, Worker
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.scoring.formats import Format


@pytest.fixture
def out(tmp_path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def files(tmp_path) -> list[Path]:
    """Three Parquet files of 25 rows in row groups of ten, one text in each null."""
    paths = []
    for number in range(3):
        texts = [f"text {number}-{row}" for row in range(25)]
        texts[7] = None
        path = tmp_path / f"in/{number}.parquet"
        path.parent.mkdir(exist_ok=True)
        table = pa.table({"id": [f"{number}-{row}" for row in range(25)], "text": texts})
        pq.write_table(table, path, row_group_size=10)
        paths.append(path)
    return paths


def contents(folder: Path) -> dict[str, bytes]:
    """All that does not tell when an input was looked at."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "_inputs" not in path.parts
    }


def verified(files, job) -> tuple[list[str], dict]:
    return run.verify_files([str(path) for path in files], job, SerialPool(job))


def test_every_row_comes_out_once(files, out):
    done, _ = score_stubbed(files, make_job(out, Format.PARQUET))
    table = pa.dataset.dataset(out, format="parquet").to_table()
    expected = [f"{number}-{row}" for number in range(3) for row in range(25) if row != 7]
    assert Counter(table["id"].to_pylist()) == Counter(expected)
    manifest = json.loads((out / MANIFEST).read_text())
    assert manifest == json.loads(json.dumps(done.manifest))
    assert (manifest["rows"], manifest["scored"], manifest["rejected"]) == (75, 72, 3)
    assert len(manifest["units"]) == 9
    rejected = [json.loads(path.read_text()) for path in (out / "_rejected").iterdir()]
    assert rejected == [{"line": 8, "reason": "the text is null"}] * 3


def test_a_rerun_scores_what_is_missing_and_writes_the_same_bytes(files, out):
    job = make_job(out, Format.PARQUET)
    score_stubbed(files, job)
    before = contents(out)
    parts = sorted(out.glob("part-*"))
    parts[0].unlink()
    parts[1].write_bytes(b"PAR1")  # cut short
    (out / "_units" / f"{parts[2].stem.removeprefix('part-')}.json").unlink()
    done, scored = score_stubbed(files, job)
    assert sorted(scored) == sorted(part.stem.removeprefix("part-") for part in parts[:3])
    assert done.scored_now == 3
    assert contents(out) == before
    assert score_stubbed(files, job)[1] == []


def test_who_touches_an_input_does_not_change_it(files, out):
    job = make_job(out, Format.PARQUET)
    score_stubbed(files, job)
    os.utime(files[0], (1, 1))
    assert score_stubbed(files, job)[1] == []


@pytest.mark.parametrize("change", ["input", "digest", "top_k", "gone"])
def test_outputs_of_another_run_never_mix(files, out, change):
    score_stubbed(files, make_job(out, Format.PARQUET))
    before = contents(out)
    options, units = {}, 9
    if change == "input":
        table = pq.read_table(files[0])
        pq.write_table(table.slice(1), files[0], row_group_size=10)
    elif change == "gone":
        files.pop()
        units = 6
    else:
        options = {"digest": "1" * 64} if change == "digest" else {"top_k": 1}
    job = make_job(out, Format.PARQUET, **options)
    with pytest.raises(EmotionSlmError, match=r"units there are of other inputs.*--replace"):
        score_stubbed(files, job)
    assert contents(out) == before
    done, scored = score_stubbed(files, job, replace=True)
    expected = {"input": 3, "digest": 9, "top_k": 9, "gone": 0}[change]
    assert (len(scored), done.units) == (expected, units)
    assert len(list(out.glob("part-*"))) == len(list((out / "_units").iterdir())) == units
    assert verified(files, job)[0] == []


def test_shards_share_the_work_and_the_last_writes_the_manifest(files, out, tmp_path):
    whole = make_job(tmp_path / "whole", Format.PARQUET)
    score_stubbed(files, whole)
    job = make_job(out, Format.PARQUET)
    seen: list[str] = []
    for number in (2, 0, 1):
        done, scored = score_stubbed(files, job, shard=(number, 3))
        assert len(scored) == 3
        assert (done.manifest is None) == (number != 1) == (not (out / MANIFEST).exists())
        seen += scored
    assert len(set(seen)) == 9
    assert contents(out) == contents(Path(whole.output))


def test_an_unwritten_manifest_is_written_by_verify(files, out):
    job = make_job(out, Format.PARQUET)
    score_stubbed(files, job)
    before = (out / MANIFEST).read_bytes()
    (out / MANIFEST).unlink()
    faults, manifest = verified(files, job)
    assert (faults, manifest["rows"]) == ([], 75)
    assert (out / MANIFEST).read_bytes() == before


@pytest.mark.parametrize(
    ("harm", "expected"),
    [
        ("altered", "does not hold what was written"),
        ("missing", "1 of 9 units are missing"),
        ("foreign", "part-0{32}.parquet: foreign"),
        ("stray", "notes.csv: foreign"),
        ("rejected", "rejected, expected"),
        ("manifest", "_MANIFEST.json: says something else"),
        ("record", "no record of a unit"),
        ("swapped", "is that of"),
        ("input", "9 of 9 units are missing|3 of 9 units are missing"),
    ],
)
def test_verify_names_what_is_wrong(files, out, harm, expected):
    job = make_job(out, Format.PARQUET)
    score_stubbed(files, job)
    parts, records = sorted(out.glob("part-*")), sorted((out / "_units").iterdir())
    if harm == "altered":
        content = bytearray(parts[0].read_bytes())
        content[100] ^= 1
        parts[0].write_bytes(content)
    elif harm == "missing":
        records[0].unlink()
    elif harm == "foreign":
        shutil.copy(parts[0], out / f"part-{'0' * 32}.parquet")
    elif harm == "stray":
        (out / "notes.csv").write_text("a")
    elif harm == "rejected":
        next((out / "_rejected").iterdir()).write_text("")
    elif harm == "manifest":
        content = (out / MANIFEST).read_text()
        (out / MANIFEST).write_text(content.replace('"scored": 72', '"scored": 73'))
    elif harm == "record":
        records[0].write_text("{}")
    elif harm == "swapped":
        records[0].write_bytes(records[1].read_bytes())
    else:
        pq.write_table(pq.read_table(files[0]).slice(1), files[0], row_group_size=10)
    faults, _ = verified(files, job)
    assert any(re.search(expected, fault) for fault in faults), faults


def test_a_unit_that_fails_is_told_and_the_others_go_on(files, out, monkeypatch, capsys):
    job = make_job(out, Format.PARQUET)
    pool = SerialPool(job)
    uris = [str(path) for path in files]
    first = run.plan_units(uris, job, pool)[4]
    real = Worker.score

    def failing(self, unit):
        if unit.name == first.name:
            raise OSError(5, "Input/output error", unit.input.uri)
        return real(self, unit)

    monkeypatch.setattr(Worker, "score", failing)
    done = run.score_files(uris, job, pool)
    assert (done.scored_now, done.missing, done.manifest) == (8, 1, None)
    (failure,) = done.failures
    assert "1.parquet (from line 11, 10 rows)" in failure and "Input/output error" in failure
    assert failure in capsys.readouterr().err.replace("\n", " ")
    assert not (out / MANIFEST).exists()
    monkeypatch.undo()
    assert len(score_stubbed(files, job)[1]) == 1


def test_what_another_process_has_done_is_no_failure(files, out, monkeypatch):
    job = make_job(out, Format.PARQUET)

    def twice(self, unit):
        score(self, unit)
        return Failure("its scratch folder has gone")

    score = Worker.score
    monkeypatch.setattr(Worker, "score", twice)
    done, _ = score_stubbed(files, job)
    assert (done.failures, done.missing, done.scored_now) == ([], 0, 0)
    assert done.manifest["rows"] == 75


def test_a_full_disk_is_told(files, out, monkeypatch):
    job = make_job(out, Format.PARQUET)
    real = storage.put

    def full(content, place):
        if "part-" in place.path:
            with storage.naming(place.uri):
                raise OSError(28, "No space left on device")
        real(content, place)

    monkeypatch.setattr("emotion_slm.bulk.worker.put", full)
    done, _ = score_stubbed(files, job)
    assert len(done.failures) == 9
    assert all("No space left on device; free some space" in reason for reason in done.failures)
    assert not list(out.glob("part-*")) and not list(out.glob("_scratch*"))


def test_bad_files_are_named_before_anything_is_scored(files, out, tmp_path):
    files[0].write_bytes(b"PAR1 is no Parquet PAR1")
    pq.write_table(pa.table({"id": ["1"], "body": ["a"]}), files[1])
    with pytest.raises(EmotionSlmError) as raised:
        score_stubbed([*files, tmp_path / "in/none.parquet"], make_job(out, Format.PARQUET))
    lines = str(raised.value).splitlines()
    assert len(lines) == 3
    assert "0.parquet: not a readable Parquet file" in lines[0]
    assert "1.parquet: no column 'text'" in lines[1]
    assert "none.parquet: no such file" in lines[2]
    assert not list(out.glob("part-*"))


def test_mixed_columns_are_named(files, out):
    table = pq.read_table(files[1])
    pq.write_table(table.set_column(0, "id", pa.array(range(25))), files[1])
    with pytest.raises(EmotionSlmError, match=r"1\.parquet: has the columns 'id: int64, text: str"):
        score_stubbed(files, make_job(out, Format.PARQUET))


def test_a_header_in_latin_1_is_named_first(tmp_path, out):
    (tmp_path / "x.csv").write_bytes("text,größe\n".encode("latin-1") + b"a,b\n" * 30)
    with pytest.raises(EmotionSlmError, match=r"x\.csv: its first row is not UTF-8"):
        score_stubbed([tmp_path / "x.csv"], make_job(out, Format.CSV))


def test_mixed_separators_are_named(tmp_path, out):
    for name, content in (("a.csv", "id,text\n1,x\n"), ("b.csv", "id;text\n1;x\n")):
        (tmp_path / name).write_text(content)
    with pytest.raises(EmotionSlmError, match=r"b\.csv: has the columns 'id;text', while .*a\.csv"):
        score_stubbed([tmp_path / "a.csv", tmp_path / "b.csv"], make_job(out, Format.CSV))


def test_columns_that_cannot_be_written_are_named_first(tmp_path, out):
    (tmp_path / "x.csv").write_text("a,a,text\n1,2,x\n")
    job = make_job(out, Format.CSV, writing=Format.PARQUET)
    with pytest.raises(EmotionSlmError, match=r"x\.csv: two columns have one name"):
        score_stubbed([tmp_path / "x.csv"], job)


def test_an_input_that_changes_meanwhile_fails_its_unit(files, out):
    job = make_job(out, Format.PARQUET)
    pool = SerialPool(job)
    units = run.plan_units([str(path) for path in files], job, pool)
    os.utime(files[0], (1, 1))
    (outcome,) = pool.run("score", units[:1])
    assert outcome.result == Failure(f"{files[0]}: changed since the run began; run it again")


def test_a_folder_with_other_data_is_refused(files, out):
    out.mkdir()
    (out / "notes.csv").write_text("mine")
    for replace in (False, True):
        with pytest.raises(EmotionSlmError, match=r"holds notes\.csv, which is no output"):
            score_stubbed(files, make_job(out, Format.PARQUET), replace=replace)
    assert (out / "notes.csv").read_text() == "mine"
    assert [path.name for path in out.iterdir()] == ["notes.csv"]


@pytest.mark.parametrize("name", ["part-00000-0e1f.c000.snappy.parquet", "part-0.csv"])
def test_replace_deletes_no_parts_of_other_programs(files, out, name):
    out.mkdir()
    (out / name).write_text("mine")
    with pytest.raises(EmotionSlmError, match=f"holds {name}, which is no output"):
        score_stubbed(files, make_job(out, Format.PARQUET), replace=True)
    assert (out / name).read_text() == "mine"


def test_verify_of_a_folder_that_is_not_there_makes_none(files, out):
    faults, _ = verified(files, make_job(out, Format.PARQUET))
    assert faults == [f"{out}: 9 of 9 units are missing"]
    assert not out.exists()


def test_what_verify_finds_changed_is_scored_by_the_next_run(tmp_path, out):
    path, job = tmp_path / "x.csv", make_job(out, Format.CSV)
    path.write_text("text\none\ntwo\n")
    score_stubbed([path], job)
    times = path.stat()
    path.write_text("text\none\nTWO\n")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert score_stubbed([path], job)[1] == []  # neither size nor time tell
    assert verified([path], job)[0]
    assert len(score_stubbed([path], job, replace=True)[1]) == 1


def test_an_output_folder_that_cannot_be_written_is_named(files, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(EmotionSlmError, match="Not a directory"):
        score_stubbed(files, make_job(tmp_path / "file/out", Format.PARQUET))


def test_files_without_rows_are_named(tmp_path, out):
    (tmp_path / "x.csv").write_text("id,text\n")
    with pytest.raises(EmotionSlmError, match=r"x\.csv: no rows to score"):
        score_stubbed([tmp_path / "x.csv"], make_job(out, Format.CSV))


def test_damaged_rows_of_parquet_are_counted(files, out):
    """One entry stands for the rest of a row group, and all of its rows are counted."""
    metadata = pq.ParquetFile(files[0]).metadata.row_group(1).column(1)
    content = bytearray(files[0].read_bytes())
    content[metadata.data_page_offset : metadata.data_page_offset + 8] = b"\xff" * 8
    files[0].write_bytes(content)
    job = make_job(out, Format.PARQUET)
    done, _ = score_stubbed(files[:1], job)
    assert (done.manifest["rows"], done.manifest["scored"]) == (25, 14)
    assert done.manifest["rejected"] == 11
    assert verified(files[:1], job)[0] == []


@pytest.mark.parametrize(
    ("name", "content", "reading", "rows"),
    [
        ("x.csv", 'id,text\n1,"a\nb"\n2\n3,c\n' * 8, Format.CSV, (31, 23)),
        ("x.tsv", "id\ttext\n1\ta\n" * 8, Format.TSV, (15, 15)),
        ("x.jsonl", '{"text": "a"}\n\n{"text": 1}\n' * 8, Format.JSONL, (16, 8)),
        ("x.txt", "a\n\n" * 8, Format.LINES, (16, 16)),
    ],
)
def test_other_formats(tmp_path, out, name, content, reading, rows):
    (tmp_path / name).write_text(content)
    job = make_job(out, reading)
    done, scored = score_stubbed([tmp_path / name], job)
    assert len(scored) == -(-rows[0] // 10)
    assert (done.manifest["rows"], done.manifest["scored"]) == rows
    assert verified([tmp_path / name], job)[0] == []


def test_all_rows_of_a_unit_rejected(tmp_path, out):
    (tmp_path / "x.jsonl").write_text('{"text": "a"}\n' * 10 + '{"text": 1}\n{"no": 2}\n')
    job = make_job(out, Format.JSONL)
    done, _ = score_stubbed([tmp_path / "x.jsonl"], job)
    assert (done.manifest["scored"], done.manifest["rejected"], len(done.manifest["units"])) == (
        10, 2, 2,
    )  # fmt: skip
    assert verified([tmp_path / "x.jsonl"], job)[0] == []


def test_what_a_killed_process_left_is_no_harm(files, out):
    """Parts without records, temporary files: written over, or passed over."""
    job = make_job(out, Format.PARQUET)
    score_stubbed(files, job)
    before = contents(out)
    (out / MANIFEST).unlink()
    for record in (out / "_units").iterdir():
        record.unlink()
    (out / "_units/.x.json.123.part").write_text("{")
    (out / "_scratch-other/1").mkdir(parents=True)
    done, scored = score_stubbed(files, job)
    assert len(scored) == 9 and done.manifest
    left = contents(out)
    del left["_units/.x.json.123.part"]
    assert left == before
