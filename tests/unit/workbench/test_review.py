"""A review in a clone with two commits, by the real git and DVC."""

import pytest
from support.repository import commit, edit_json, git

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import read_json
from emotion_slm.workbench.review import Change, review
from emotion_slm.workbench.review_notes import notes
from emotion_slm.workbench.review_scores import HIGHER, SAME


def alarms(found) -> str:
    return " ".join(note.text for note in notes(found) if note.alarm)


def texts(found) -> str:
    return " ".join(note.text for note in notes(found))


@pytest.fixture
def changed(repository):
    """One param, two test metrics, one count and two plots changed and committed."""
    params = repository / "params.yaml"
    params.write_text(params.read_text().replace("4000", "1000").replace("epochs: 1", "epochs: 2"))
    test = read_json(repository / "metrics/test.json")
    high = test["intervals"]["macro_f1"][1]
    edit_json(
        repository / "metrics/test.json",
        macro_f1=high + 0.05,
        intervals__macro_f1=[high + 0.01, high + 0.09],
        per_label__joy__f1=test["per_label"]["joy"]["f1_interval"][0],
    )
    edit_json(repository / "metrics/balance.json", rows__synthetic=150)
    (repository / "metrics/plots/per_label_f1.png").write_bytes(b"another picture")
    curve = repository / "metrics/plots/finetune_curve.csv"
    curve.write_text(curve.read_text().replace("0.25", "0.2"))
    commit(repository, "change")
    return repository


def test_exactly_what_changed_is_shown(changed):
    found = review("base")
    assert found.params == [
        Change("profiles.minilm.ismote.target", 4000, 1000),
        Change("profiles.other.epochs", 1, 2),
    ]
    assert [found.unused(change.key) for change in found.params] == [False, True]
    assert [row.name for row in found.headline if row.reading != SAME] == ["macro-F1"]
    assert found.headline[0].reading == HIGHER
    assert [row.name for row in found.labels if row.reading != SAME] == ["joy"]
    assert found.metrics == {"metrics/balance.json": 1, "metrics/test.json": 2}
    assert found.counts == [Change("rows.synthetic", 200, 150)]
    assert [plot.path.name for plot in found.plots if plot.changed] == [
        "per_label_f1.png", "finetune_curve.csv",
    ]  # fmt: skip
    assert len(found.plots) == 11
    assert found.files == [] and found.state.uncommitted == [] and found.stale == []
    assert not found.identical and alarms(found) == ""


def test_identical_revisions_say_so(repository):
    found = review("HEAD")
    assert found.identical and "Nothing differs" in texts(found)
    assert found.params == [] and found.metrics == {} and not any(p.changed for p in found.plots)


def test_a_base_without_metrics_has_nothing_to_compare_with(repository):
    found = review("first")
    assert {row.reading for row in found.headline} == {"new"}
    assert ("metrics/test.json", "added") in found.files
    assert found.audits[0] is None and found.audits[1].passed
    assert all(plot.before is None for plot in found.plots) and len(found.plots) == 11
    assert "metrics/test.json was added." in texts(found)


def test_a_dirty_tree_is_what_is_reviewed(repository):
    """Removed metrics, params that were not run, a leak: each is told, loudly where it matters."""
    (repository / "metrics/test.json").unlink()
    edit_json(repository / "metrics/leakage.json", must_be_zero__ids_in_several_splits=3)
    params = repository / "params.yaml"
    params.write_text(params.read_text().replace("seed: 1", "seed: 2"))
    found = review("base")
    assert ("metrics/test.json", "removed") in found.files
    assert {row.reading for row in found.headline} == {"gone"}
    assert found.stale == ["evaluate"]
    assert "dvc.lock is behind" in alarms(found) and "evaluate" in alarms(found)
    assert "Leak audit FAILED: ids_in_several_splits 3" in alarms(found)
    assert found.state.uncommitted == ["metrics/leakage.json", "metrics/test.json", "params.yaml"]
    assert "Not committed: metrics/leakage.json" in texts(found)


@pytest.mark.parametrize("revision", ["nonsense", "", "--all", "base^{tree}", "HEAD~9"])
def test_an_unknown_revision_is_named(repository, revision):
    with pytest.raises(EmotionSlmError, match=r"git knows no such commit; .*git fetch"):
        review(revision)


def test_outside_a_repository(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(EmotionSlmError, match="not a git repository; clone it"):
        review("main")
    git(tmp_path, "init", "-q")
    with pytest.raises(EmotionSlmError, match=r"no dvc\.yaml"):
        review("main")
    (tmp_path / "src").mkdir()
    monkeypatch.chdir(tmp_path / "src")
    with pytest.raises(EmotionSlmError, match="root of the repository"):
        review("main")


def test_metrics_that_are_no_json_are_named(repository):
    (repository / "metrics/test.json").write_text("{")
    with pytest.raises(
        EmotionSlmError, match=r"metrics/test\.json of working tree: not valid JSON"
    ):
        review("base")


def test_other_test_rows_are_told_by_the_lock(repository, monkeypatch):
    from emotion_slm.workbench import review as differences
    from emotion_slm.workbench.revisions import WorkingTree

    lock = "stages:\n  split:\n    outs:\n    - path: data/split\n      md5: {}\n"

    class Side(WorkingTree):
        def __init__(self, text):
            self.text = text

        def read(self, path):
            return self.text.encode()

    same = differences._same_rows
    assert same(Side(lock.format("aa")), Side(lock.format("aa"))) is True
    assert same(Side(lock.format("aa")), Side(lock.format("bb"))) is False
    assert same(Side(lock.format("aa")), Side("")) is None
    with pytest.raises(EmotionSlmError, match=r"dvc\.lock of working tree: not readable YAML"):
        same(Side("<<<<<<< HEAD\n a: b: c"), Side(""))
