"""dvc.lock, and files held against it, in a repository whose lock DVC itself wrote."""

from pathlib import Path

import pytest
from support.repository import commit, dvc, edit_file, git

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.workbench.dvc_lock import (
    ABSENT,
    Unlike,
    other_code,
    other_params,
    parse,
    read_lock,
)
from emotion_slm.workbench.repository import WorkingTree, find

TREE = WorkingTree()
MD5 = "0cc175b9c0f1b6a831c399e269772661"
HEAD = "schema: '2.0'\nstages:\n"


@pytest.fixture(params=["commit", "working tree"])
def side(request, repository):
    """Function: either side with what lies in the repository now; other_code takes both alike."""

    def take():
        if request.param == "working tree":
            return TREE
        git(repository, "add", "-A")
        tree = git(repository, "write-tree").strip()
        return find(git(repository, "commit-tree", tree, "-m", "x").strip())

    return take


def test_a_lock_says_what_was_read_run_and_written(repository):
    lock = read_lock(TREE)
    assert [(out.stage, str(out.path)) for out in lock.outs] == [
        ("params", "metrics/params.yaml"),
        ("evaluate", "out.txt"),
    ]
    assert lock.out(Path("out.txt")).size == 4 and lock.out(Path("out")) is None
    assert set(lock.code) == {Path("settings.py"), Path("stage.py"), Path("src/room")}
    assert lock.values() == {
        "profile": "minilm", "seed": 1, "split.protocol": "pooled", "fetch.corpus": "goemotions",
        "ismote.target": 4000, "ismote.exclude": ["neutral"],
    }  # fmt: skip


def test_code_that_dvc_hashed_is_known_again(side):
    """The folder's MD5 is DVC's own: nested and odd names, and what .dvcignore lets through."""
    assert other_code(side(), read_lock(TREE)) == []


@pytest.mark.parametrize(
    ("path", "other"),
    [
        ("src/room/b.py", ["src/room"]),
        ("src/room/inner/new.py", ["src/room"]),
        ("stage.py", ["stage.py"]),
        ("src/room/README.md", []),
        ("src/room/swap.py.txt", []),
        ("src/elsewhere.py", []),
    ],
)
def test_an_edit_is_seen_where_dvc_sees_it(repository, side, path, other):
    (repository / path).write_text("edited")
    assert list(map(str, other_code(side(), read_lock(TREE)))) == other
    status = dvc(repository, "status", "evaluate")
    assert all(name in status for name in other) and ("changed deps" in status) == bool(other)


def test_bytecode_in_a_folder_is_passed_over(repository):
    (repository / "src/room/__pycache__").mkdir()
    (repository / "src/room/__pycache__/b.py").write_text("compiled")
    assert other_code(TREE, read_lock(TREE)) == []
    assert "changed" not in dvc(repository, "status", "evaluate")


def test_a_deleted_folder_is_other_code(repository, side):
    git(repository, "rm", "-rq", "src/room")
    assert other_code(side(), read_lock(TREE)) == [Path("src/room")]


def test_params_otherwise_than_run_are_named_with_both_values(repository):
    assert other_params(TREE, read_lock(TREE)) == []
    params = repository / "params.yaml"
    edit_file(params, "4000, exclude: [neutral]", "1000, kind: line")
    edit_file(params, "seed: 1", "seed: 2")
    edit_file(params, "target: 1,", "target: 2,")  # of a profile that was not run
    assert other_params(TREE, read_lock(TREE)) == [
        Unlike("ismote.exclude", ABSENT, ["neutral"]),
        Unlike("ismote.kind", "line", ABSENT),
        Unlike("ismote.target", 1000, 4000),
        Unlike("seed", 2, 1),
    ]


def test_what_stage_params_adds_to_a_loss_is_no_difference(repository):
    text = (
        HEAD + "  a: {cmd: x, params: {metrics/params.yaml: {ismote: {loss: {name: a, b: 1}}}}}\n"
    )
    edit_file(repository / "params.yaml", "target: 4000, exclude: [neutral]", "loss: {name: a}")
    assert other_params(TREE, parse(text.encode(), "lock")) == []
    edit_file(repository / "params.yaml", "{name: a}", "{name: c, b: 2}")
    assert other_params(TREE, parse(text.encode(), "lock")) == [
        Unlike("ismote.loss.b", 2, 1), Unlike("ismote.loss.name", "c", "a"),
    ]  # fmt: skip


def test_the_hashes_that_stage_params_adds_are_no_difference(repository):
    run = "{corpus: goemotions, sha256: {tickets.csv: aa}}"
    text = HEAD + f"  a: {{cmd: x, params: {{metrics/params.yaml: {{fetch: {run}}}}}}}\n"
    assert other_params(TREE, parse(text.encode(), "lock")) == []
    edit_file(repository / "params.yaml", "corpus: goemotions", "corpus: other")
    assert other_params(TREE, parse(text.encode(), "lock")) == [
        Unlike("fetch.corpus", "other", "goemotions")
    ]


def test_another_profile_chosen_is_held_against_what_was_run(repository):
    edit_file(repository / "params.yaml", "profile: minilm", "profile: other")
    assert other_params(TREE, read_lock(TREE)) == [
        Unlike("fetch.corpus", "sample", "goemotions"),
        Unlike("ismote.target", 1, 4000),
        Unlike("profile", "other", "minilm"),
    ]


@pytest.mark.parametrize("content", ["a: [", "[]", "profiles: 1", "profiles: {a: 1}\nprofile: a"])
def test_params_that_are_none_are_named(repository, content):
    (repository / "params.yaml").write_text(content)
    with pytest.raises(EmotionSlmError, match=r"params\.yaml of working tree: no params"):
        other_params(TREE, read_lock(TREE))


def test_without_params_nothing_is_listed(repository):
    (repository / "params.yaml").unlink()
    assert other_params(TREE, read_lock(TREE)) == []


def test_a_lock_from_before_stage_params_names_sections_alike():
    text = (
        HEAD + "  a: {cmd: x, params: {params.yaml: {seed: 1, profiles.b-c.ismote: {target: 2}}}}"
    )
    assert parse(text.encode(), "lock").values() == {"seed": 1, "ismote.target": 2}


def test_a_stage_left_behind_shows_both_values(repository):
    """Stage one ran with seed 1; then seed 2 was set, and only stage two was run."""
    stage = "  {}: {{cmd: x, params: {{metrics/params.yaml: {{seed: {}}}}}}}\n"
    lock = parse((HEAD + stage.format("one", 1) + stage.format("two", 2)).encode(), "lock")
    assert lock.settings == {"seed": [1, 2]} and lock.values() == {"seed": 2}
    assert other_params(TREE, lock) == [Unlike("seed", 1, 2)]


def test_outputs_of_a_stage_and_corpora_are_no_code():
    text = f"""  one: {{cmd: x, deps: [{{path: corpora, md5: {MD5}.dir}}],
         outs: [{{path: data/split, md5: {MD5}.dir}}]}}
  two: {{cmd: x, deps: [{{path: data/split/train, md5: {MD5}}},
                        {{path: data/split, md5: {MD5}.dir}},
                        {{path: data/splitting.py, md5: {MD5}}}]}}
"""
    assert parse((HEAD + text).encode(), "lock").code == {Path("data/splitting.py"): {MD5}}


def test_a_lock_that_ends_amid_an_entry_is_read_as_far_as_it_goes():
    text = HEAD + "  one:\n    cmd: x\n    outs:\n    - path: a\n"
    (out,) = parse(text.encode(), "lock").outs
    assert (out.md5, out.size) == ("", 0)


def test_no_lock_is_none(repository):
    Path("dvc.lock").unlink()
    assert read_lock(TREE) is None


def test_files_of_a_commit_are_read_without_a_checkout(repository):
    (repository / "src/room/b.py").write_text("edited")
    (repository / "src/room/c.py").write_text("new")
    base = find("base")
    assert base.read(Path("src/room/b.py")) == b"# b.py\n"
    assert base.read(Path("src/room/c.py")) is None and base.read(Path("src/room")) is None
    names = [path.name for path in base.below(Path("src/room"))]
    assert names == ["README.md", "__init__.py", "a-b.py", "b.py", "z.py", "é.py"]
    assert base.below(Path("nowhere")) == []


def test_a_commit_hashes_contents_of_any_bytes(repository):
    contents = [b"", b"\n", b"\r\n\x00", "é".encode(), b"x" * 70000 + b"\n123 blob 4\n"]
    (repository / "any").mkdir()
    for place, content in enumerate(contents):
        (repository / f"any/{place}").write_bytes(content)
    commit(repository, "any bytes")
    files = [Path(f"any/{place}") for place in range(len(contents))]
    assert find("HEAD").md5s(files) == TREE.md5s(files)
