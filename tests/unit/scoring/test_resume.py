"""A run killed at random points and resumed ends in the bytes of one that was left alone."""

import json
import signal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.scorer import StubScorer
from support.victims import CHUNK, forking, score_until

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.scoring import chunks, resume
from emotion_slm.scoring.plan import Options
from emotion_slm.scoring.run import score

ROWS = 40


@pytest.fixture(scope="module")
def processes():
    return forking()


@pytest.fixture(params=["csv", "jsonl", "parquet"])
def source(request, tmp_path) -> Path:
    """A file with rows to reject in several chunks."""
    path = tmp_path / f"tickets.{request.param}"
    texts = [None if row % 9 == 8 else f"text {row}\n😀" for row in range(ROWS)]
    if request.param == "parquet":
        pq.write_table(pa.table({"text": texts, "n": pa.array(range(ROWS), pa.int16())}), path)
    elif request.param == "jsonl":
        path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    else:
        rows = [f'{n},"{text}"\n' if text else f"{n}\n" for n, text in enumerate(texts)]
        path.write_text("n,text\n" + "".join(rows))
    return path


@pytest.fixture
def attempt(processes, source):
    """Function: (output, death) → exit status of one process, and the operations it counted."""

    def once(output: Path, death: int | None = None) -> tuple[int, int | None]:
        ours, theirs = processes.Pipe(duplex=False)
        process = processes.Process(target=score_until, args=(source, output, death, theirs))
        process.start()
        theirs.close()
        try:
            count = ours.recv()
        except EOFError:
            count = None
        process.join()
        return process.exitcode, count

    return once


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.slow
def test_killed_at_random_points(attempt, source, tmp_path):
    name = f"scored{source.suffix}"
    status, operations = attempt(tmp_path / "straight" / name)
    assert status == 0 and operations > 50
    expected = contents(tmp_path / "straight")
    assert set(expected) == {name, f"{name}.rejected.jsonl"}

    output = tmp_path / "killed" / name
    generator = np.random.default_rng(6)
    for death in generator.integers(operations // 6, size=6):
        status, _ = attempt(output, int(death))
        assert status == -signal.SIGKILL
        # What looks finished is.
        assert not output.exists() or output.read_bytes() == expected[name]
    assert attempt(output)[0] == 0
    assert contents(output.parent) == expected


@pytest.mark.drill
def test_killed_at_every_point(attempt, source, tmp_path):
    name = f"scored{source.suffix}"
    _, operations = attempt(tmp_path / "straight" / name)
    expected = contents(tmp_path / "straight")
    for death in range(operations):
        output = tmp_path / str(death) / name
        assert attempt(output, death)[0] == -signal.SIGKILL
        assert attempt(output)[0] == 0
        assert contents(output.parent) == expected, death
    print(f"{operations} kills")


class Stopped(StubScorer):
    """Interrupted by Ctrl-C in its third chunk."""

    calls = 0

    def probabilities(self, texts):
        self.calls += 1
        if self.calls == 3:
            raise KeyboardInterrupt
        return super().probabilities(texts)


@pytest.fixture
def interrupted(source, tmp_path, monkeypatch) -> Path:
    """The output of a run that was interrupted after two chunks."""
    monkeypatch.setattr(chunks, "CHUNK_ROWS", CHUNK)
    output = tmp_path / f"scored{source.suffix}"
    with pytest.raises(KeyboardInterrupt, match=rf"14 rows are in .*{output.name}\.part; .*resume"):
        score(source, output, Stopped(), Options(), "stub")
    return output


def test_interrupted_run_leaves_a_valid_file(source, interrupted, tmp_path):
    part = interrupted.with_name(interrupted.name + ".part")
    whole = score(source, tmp_path / f"whole{source.suffix}", StubScorer(), Options()).output
    if source.suffix == ".parquet":
        with pa.ipc.open_stream(part) as stream:
            rows = stream.read_all()
        assert rows.equals(pq.read_table(whole).slice(0, len(rows)))
        assert len(rows) == 13
    else:
        assert whole.read_bytes().startswith(part.read_bytes())
        assert part.read_bytes().endswith(b"\n")
    assert not interrupted.exists()


def test_unfinished_run_is_not_thrown_away(source, interrupted):
    with pytest.raises(EmotionSlmError, match=r"14 rows of an unfinished run; .*--resume, or del"):
        score(source, interrupted, StubScorer(), Options(), "stub")
    interrupted.with_name(interrupted.name + ".part.json").unlink()
    assert score(source, interrupted, StubScorer(), Options(), "stub").records == ROWS


@pytest.mark.parametrize("change", ["input", "options", "model"])
def test_changed_run_is_not_resumed(source, interrupted, change):
    before = contents(interrupted.parent)
    options, model = Options(), "stub"
    if change == "input":
        with source.open("ab") as stream:
            stream.write(b"\n")
        if source.suffix == ".parquet":
            pq.write_table(pa.table({"text": ["other"]}), source)
        before = contents(interrupted.parent)
    elif change == "options":
        options = Options(threshold=0.0)
    else:
        model = "another"
    with pytest.raises(EmotionSlmError, match=rf"made with other {change}; "):
        score(source, interrupted, StubScorer(), options, model, resume=True)
    assert contents(interrupted.parent) == before


def test_shortened_part_is_not_resumed(source, interrupted):
    part = interrupted.with_name(interrupted.name + ".part")
    part.write_bytes(part.read_bytes()[:-1])
    with pytest.raises(EmotionSlmError, match=r"\.part: is shorter than it was; delete"):
        score(source, interrupted, StubScorer(), Options(), "stub", resume=True)


@pytest.mark.parametrize("name", [".part", ".rejected.jsonl.part"])
@pytest.mark.parametrize("place", [0.0, 0.5, 0.99])
def test_a_flipped_byte_is_noticed(source, interrupted, name, place):
    path = interrupted.with_name(interrupted.name + name)
    content = bytearray(path.read_bytes())
    content[int(len(content) * place)] ^= 1
    path.write_bytes(content)
    before = contents(interrupted.parent)
    with pytest.raises(EmotionSlmError, match=rf"{name}: does not hold what was written to it; "):
        score(source, interrupted, StubScorer(), Options(), "stub", resume=True)
    assert contents(interrupted.parent) == before


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"done": {"rows": 1}, "identity": {}}'])
def test_damaged_state_is_named(source, interrupted, content):
    state = interrupted.with_name(interrupted.name + ".part.json")
    state.write_text(content)
    for again in (True, False):
        with pytest.raises(EmotionSlmError, match=r"part\.json: .*; delete it to start .* again"):
            score(source, interrupted, StubScorer(), Options(), "stub", resume=again)


def test_every_edit_of_the_state_is_noticed(source, interrupted):
    state = interrupted.with_name(interrupted.name + ".part.json")
    written = json.loads(state.read_text())

    def leaves(content, path=()):
        for key, value in content.items():
            yield from leaves(value, (*path, key)) if isinstance(value, dict) else [(*path, key)]

    paths = list(leaves(written))
    assert ("done", "records") in paths and ("identity", "chunks", "rows") in paths
    for path in paths:
        edited = json.loads(state.read_text())
        inner = edited
        for key in path[:-1]:
            inner = inner[key]
        value = inner[path[-1]]
        inner[path[-1]] = not value if isinstance(value, bool) else (
            value + 7 if isinstance(value, int) else f"{value}x"
        )  # fmt: skip
        state.write_text(json.dumps(edited))
        with pytest.raises(EmotionSlmError, match=r"part\.json: .*; delete it to start"):
            score(source, interrupted, StubScorer(), Options(), "stub", resume=True)
        state.write_text(json.dumps(written))
    assert score(source, interrupted, StubScorer(), Options(), "stub", resume=True).records == ROWS


@pytest.mark.parametrize("name", ["CHUNK_ROWS", "CHUNK_CHARACTERS"])
def test_other_chunks_are_not_joined(source, interrupted, monkeypatch, name):
    """As a release makes them that cuts its input otherwise."""
    monkeypatch.setattr(chunks, name, 9)
    before = contents(interrupted.parent)
    with pytest.raises(EmotionSlmError, match=r"made with other chunks; .*delete"):
        score(source, interrupted, StubScorer(), Options(), "stub", resume=True)
    assert contents(interrupted.parent) == before


def test_another_format_of_the_state_is_refused(source, interrupted, monkeypatch):
    monkeypatch.setattr(resume, "STATE_FORMAT", resume.STATE_FORMAT + 1)
    with pytest.raises(EmotionSlmError, match="not the state of a run of this release; delete"):
        score(source, interrupted, StubScorer(), Options(), "stub", resume=True)


def test_chunks_that_end_elsewhere_are_never_written_twice(source, interrupted, monkeypatch):
    """Whatever made them differ: rows are counted against what is done."""
    sizes = {"rows": chunks.CHUNK_ROWS, "characters": chunks.CHUNK_CHARACTERS}
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 9)
    init = resume.PartialOutput.__init__

    def pretending(self, *arguments):
        init(self, *arguments)
        self.identity["chunks"] = sizes

    monkeypatch.setattr(resume.PartialOutput, "__init__", pretending)
    with pytest.raises(EmotionSlmError, match="no chunk of the input ends there"):
        score(source, interrupted, StubScorer(), Options(), "stub", resume=True)


def test_two_runs_cannot_write_one_output(source, tmp_path):
    output = tmp_path / f"scored{source.suffix}"

    class Intruder(StubScorer):
        def probabilities(self, texts):
            with pytest.raises(EmotionSlmError, match="another run is writing it"):
                score(source, output, StubScorer(), Options(), resume=True)
            return super().probabilities(texts)

    assert score(source, output, Intruder(), Options()).records == ROWS


def test_nothing_to_resume_starts_at_the_beginning(source, tmp_path):
    output = tmp_path / f"scored{source.suffix}"
    assert score(source, output, StubScorer(), Options(), resume=True).records == ROWS
    assert score(source, output, StubScorer(), Options(), resume=True).records == ROWS
