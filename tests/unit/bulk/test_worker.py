"""A worker takes the model that the run was begun with, and no other."""

from support.bulk import make_job

from emotion_slm.bulk.worker import Failure, Worker
from emotion_slm.scoring.formats import Format


def test_another_model_is_refused(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    job = make_job(tmp_path / "out", Format.CSV)._replace(model=str(tmp_path))
    result = Worker(job).do("load", None)
    assert isinstance(result, Failure)
    assert f"{tmp_path}: another model than the run was begun with" in result.reason


def test_no_exception_ends_a_worker(tmp_path):
    worker = Worker(make_job(tmp_path / "out", Format.CSV))
    worker.score = lambda unit: 1 / 0
    assert worker.do("score", "x.csv") == Failure("x.csv: ZeroDivisionError: division by zero")
