"""A review in a clone with two commits, by the real git and DVC."""

import pytest
from support.report import write_table
from support.repository import commit, dvc, edit_file, edit_json, git

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import write_json
from emotion_slm.workbench.review import Change, review
from emotion_slm.workbench.review_scores import HIGHER, SAME


def alarms(found) -> str:
    return " ".join(note.text for note in found.notes if note.alarm)


def texts(found) -> str:
    return " ".join(note.text for note in found.notes)


@pytest.fixture
def changed(repository):
    """A param that was run, metrics of both splits, a count, a label and two plots: committed."""
    edit_file(repository / "params.yaml", "4000", "1000")
    dvc(repository, "repro", "-q")
    metrics, plots = repository / "metrics", repository / "metrics/plots"
    edit_json(metrics / "test.json", macro_f1=0.57, macro_f1_low=0.53, macro_f1_high=0.61)
    edit_json(metrics / "validation.json", macro_f1=0.58)
    edit_json(metrics / "balance.json", synthetic=150)
    edit_file(plots / "per_label.csv", "joy,true,0.5,0.6,0.55", "joy,true,0.5,0.6,0.45")
    (plots / "per_label_f1.png").write_bytes(b"another picture")
    edit_file(plots / "finetune_curve.csv", "0.25", "0.2")
    edit_file(plots / "label_counts.csv", "joy,10,9,40,3,3", "joy,10,9,44,3,3")
    commit(repository, "change")
    return repository


def test_exactly_what_changed_is_shown(changed):
    found = review("base")
    assert found.params == [Change("ismote.target", 4000, 1000)]
    assert [row.name for row in found.headline if row.changed] == ["macro-F1"]
    macro = found.headline[0]
    assert (macro.validation.before, macro.validation.after) == (0.56, 0.58)
    assert (macro.test.before, macro.test.after) == (0.5, 0.57) and macro.test.reading == HIGHER
    assert [row.name for row in found.labels if row.f1.reading != SAME] == ["joy"]
    assert found.counts == [Change("balance: synthetic", 200, 150)]
    assert [plot.path.name for plot in found.plots if plot.changed] == [
        "per_label_f1.png", "finetune_curve.csv", "label_counts.csv", "per_label.csv",
    ]  # fmt: skip
    (table,) = [table for table in found.tables if table.path.name == "label_counts.csv"]
    assert [key for key, _ in table.rows] == [("joy",)]
    assert dict(zip(table.columns, table.rows[0][1], strict=True))["balanced"] == ("40", "44")
    assert found.state.uncommitted == [] and alarms(found) == ""
    assert "Leak audit: passed, 44 rules. At base: passed, 44 rules." in texts(found)


def test_identical_revisions_say_so(repository):
    found = review("HEAD")
    assert "Nothing differs" in texts(found) and alarms(found) == ""
    assert found.params == [] and found.counts == [] and not any(p.changed for p in found.plots)


def test_a_base_without_metrics_has_nothing_to_compare_with(repository):
    found = review("first")
    assert {row.test.reading for row in found.headline} <= {"new", SAME}
    assert found.labels == [] and all(plot.before is None for plot in found.plots)
    assert "metrics/test.json was added." in texts(found)
    assert "At base: no result that is read here." in texts(found)


def test_a_base_whose_metrics_are_nested_is_said_not_to_be_read(repository):
    """As before the files were flat."""
    write_json(repository / "metrics/test.json", {"macro_f1": 0.5, "per_label": {"joy": {}}})
    write_json(repository / "metrics/leakage.json", {"passed": True, "must_be_zero": {}})
    (repository / "metrics/plots/per_label.csv").unlink()
    commit(repository, "the old form")
    git(repository, "tag", "old")
    git(repository, "checkout", "-q", "base", "--", "metrics")
    commit(repository, "flat again")
    found = review("old")
    assert (
        "Base has no metrics in the form that is read here, flat numbers: metrics/leakage.json, "
        "metrics/test.json hold something else" in alarms(found)
    )
    assert {row.test.before for row in found.headline} == {None} and found.labels == []
    assert found.headline[0].validation.reading == SAME  # of the file that is flat
    assert "Nothing differs" not in texts(review("HEAD~1")) + texts(found)


def test_a_dirty_tree_is_what_is_reviewed(repository):
    """Removed metrics, params that were not run, a leak: each is named, loudly where it matters."""
    (repository / "metrics/test.json").unlink()
    edit_json(repository / "metrics/leakage.json", broken=3)
    edit_file(repository / "params.yaml", "seed: 1", "seed: 2")
    found = review("base")
    assert "metrics/test.json was removed." in texts(found)
    assert {row.test.reading for row in found.headline} <= {"gone", SAME}
    assert "`dvc repro` would run params" in alarms(found)
    assert "seed is 2 in params.yaml and was 1 in the run" in alarms(found)
    assert "Leak audit: FAILED, 3 of 44 rules broken" in alarms(found)
    assert found.params == []  # the run is the same one
    assert found.state.uncommitted == ["metrics/leakage.json", "metrics/test.json", "params.yaml"]
    assert "Not committed: metrics/leakage.json" in texts(found)


def test_params_of_a_stale_base_are_those_that_were_run(repository):
    """Its params.yaml was edited and committed, and nothing was run: the numbers are older."""
    edit_file(repository / "params.yaml", "4000", "1000")
    commit(repository, "edited, not run")
    git(repository, "tag", "stale")
    dvc(repository, "repro", "-q")
    commit(repository, "run")
    found = review("stale")
    assert found.params == [Change("ismote.target", 4000, 1000)]
    assert (
        "Base's metrics are not of its params.yaml: ismote.target is 1000 in "
        "params.yaml and was 4000 in the run" in alarms(found)
    )


def test_code_of_a_stale_base_is_named(repository):
    (repository / "src/room/b.py").write_text("# edited\n")
    (repository / "src/room/README.md").write_text("no dependency\n")
    commit(repository, "edited, not run")
    git(repository, "tag", "stale")
    dvc(repository, "repro", "-q")
    commit(repository, "run")
    assert "Base's metrics are not of its code: src/room changed" in alarms(review("stale"))
    assert "not of its code" not in alarms(review("base"))


def test_another_profile_is_compared_section_by_section(repository):
    edit_file(repository / "params.yaml", "profile: minilm", "profile: other")
    dvc(repository, "repro", "-q")
    found = review("base")
    assert found.origin == ("other", "sample", "pooled")
    assert found.params == [
        Change("fetch.corpus", "goemotions", "sample"),
        Change("ismote.target", 4000, 1),
        Change("profile", "minilm", "other"),
    ]
    assert "Sample corpus" in texts(found)


def test_commits_that_only_the_base_has_are_counted(repository):
    git(repository, "checkout", "-q", "-b", "topic", "first")
    found = review("main")
    assert "Base has 1 commits that are not merged here" in texts(found)
    assert "not merged" not in texts(review("first"))


def test_other_test_rows_are_seen_in_the_lock(repository):
    stage = "  split:\n    cmd: {}\n    outs: [data/split]\n"
    for name in ("one", "two"):
        path = repository / "dvc.yaml"
        path.write_text(path.read_text().split("  split:")[0] + stage.format(
            f"mkdir -p data/split && echo {name} > data/split/rows"
        ))  # fmt: skip
        dvc(repository, "repro", "-q")
        commit(repository, name)
    assert "other rows" in alarms(review("HEAD~1"))
    assert "other rows" not in alarms(review("HEAD"))


def test_runs_of_other_labels_are_said_to_be_no_comparison(repository):
    edit_file(repository / "metrics/plots/per_label.csv", "joy,", "delight,")
    said = alarms(review("HEAD"))
    assert "no score of one can be held against the other's" in said
    before, after = said.partition("The working tree:")[::2]
    assert "joy" in before and "delight" in after and "joy" not in after


def test_a_base_without_a_lock_is_named(repository):
    git(repository, "rm", "-q", "--cached", "dvc.lock")
    commit_without = git(
        repository, "commit-tree", git(repository, "write-tree").strip(), "-m", "x"
    )
    found = review(commit_without.strip())
    assert "Base has no dvc.lock" in alarms(found) and found.params == []


@pytest.mark.parametrize("revision", ["nonsense", "", "--all", "base^{tree}", "HEAD~9"])
def test_an_unknown_revision_is_named(repository, revision):
    with pytest.raises(EmotionSlmError, match=r"git knows no such commit; .*git fetch"):
        review(revision)


def test_outside_a_repository(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(EmotionSlmError, match=r"not a git repository.*clone it"):
        review("main")
    git(tmp_path, "init", "-q")
    with pytest.raises(EmotionSlmError, match=r"no dvc\.yaml"):
        review("main")


def test_a_machine_without_git_is_named(repository, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EmotionSlmError, match="not a git repository"):
        review("main")


@pytest.mark.parametrize(
    ("path", "content", "message"),
    [
        ("metrics/test.json", b"{", r"metrics/test\.json of working tree: not valid JSON"),
        ("metrics/test.json", b"[]", r"test\.json of working tree: not a JSON object"),
        ("metrics/test.json", b"\xff", r"test\.json of working tree: not valid JSON"),
        ("metrics/plots/per_label.csv", b"\xff", r"per_label\.csv of working tree: not a readable"),
        ("metrics/plots/per_label.csv", b"a,b\n1,2,3\n", r"per_label\.csv .*more cells"),
        ("dvc.lock", b"<<<<<<< HEAD\n", r"dvc\.lock of working tree: not a lock of DVC"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(repository, path, content, message):
    (repository / path).write_bytes(content)
    with pytest.raises(EmotionSlmError, match=message):
        review("base")


def test_a_label_whose_f1_is_no_number_is_named(repository):
    path = repository / "metrics/plots/per_label.csv"
    write_table(path, "label,f1", [("joy", "high")])
    with pytest.raises(EmotionSlmError, match=r"per_label\.csv.*joy.*high"):
        review("base")
