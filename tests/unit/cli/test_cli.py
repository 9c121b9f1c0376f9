import csv
import gzip
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from support.labels import GOEMOTIONS, LABELS
from support.report import write_run
from typer.testing import CliRunner

from emotion_slm.audit.audit import PARTS
from emotion_slm.cli.app import app
from emotion_slm.common import paths

HEAVY = ("torch", "transformers", "pandas", "numpy", "sklearn", "datasets", "matplotlib")


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Function: arguments → result of `emotion-slm` run in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments: str | Path):
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return invoke


def assert_user_error(result, *parts: str) -> None:
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)  # no traceback
    for part in parts:
        assert part in result.output


COMMANDS = (
    "predict",
    "serve",
    "pull",
    "export",
    "audit",
    "report",
    "review",
    "fsck",
    "push",
    "lineage",
    "disk",
    "corpus",
)


def heavy_imports(arguments: list[str], heavy: tuple[str, ...]) -> tuple[str, str]:
    """What `emotion-slm` printed in a process of its own, and which of `heavy` it had imported."""
    code = (
        "import sys\n"
        "from emotion_slm.cli.app import app\n"
        f"try: app({arguments!r})\n"
        "except SystemExit as end: assert not end.code\n"
        f"print('HEAVY', *sorted(set({heavy!r}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    printed, _, imported = done.stdout.rpartition("HEAVY")
    return printed, imported.strip()


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)])
def test_help_answers_without_heavy_imports(command):
    printed, imported = heavy_imports([*command, "--help"], HEAVY)
    assert "Usage" in printed
    assert imported == ""


@pytest.mark.slow
def test_an_onnx_export_is_scored_without_what_training_needs(exported):
    training = (*(name for name in HEAVY if name != "numpy"), "scipy", "pyarrow", "dvc")
    text = ["predict", "--text", "happy cat", "--threshold", "0", "--model", str(exported)]
    printed, imported = heavy_imports(text, training)
    assert all(label in printed for label in LABELS)
    assert imported == ""


@pytest.mark.slow
def test_a_package_is_scored_by_pytorch(packaged):
    text = ["predict", "--text", "happy cat", "--model", str(packaged)]
    assert heavy_imports(text, ("torch", "onnxruntime"))[1] == "onnxruntime torch"


def test_importing_the_package_is_light():
    code = f"import sys, emotion_slm; print(sorted(set({HEAVY!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_arguments_shows_the_commands(run):
    result = run()
    for command in COMMANDS:
        assert command in result.output


def test_a_description_elsewhere_is_not_taken_for_one_in_corpora(run, tmp_path):
    (tmp_path / "corpora").mkdir()
    assert_user_error(run("corpus", "check", "drafts/tickets.yaml"), "descriptions lie in corpora/")
    assert_user_error(run("corpus", "check", "corpora/tickets.yaml"), "no such corpus")
    assert_user_error(run("corpus", "check", "tickets"), "no such corpus")


def test_predict_without_anything_to_score(run):
    assert_user_error(run("predict"), "either a file or --text")


def test_predict_with_both_is_refused(run):
    assert_user_error(run("predict", "x.csv", "--text", "happy"), "either a file or --text")


@pytest.mark.parametrize("arguments", [["--text", "happy"], ["tickets.csv"]])
def test_predict_without_a_model_says_how_to_get_one(run, arguments):
    Path("tickets.csv").write_text("text\nhappy\n")
    result = run("predict", *arguments)
    assert_user_error(result, "models/classifier", "dvc repro", "emotion-slm pull")
    assert not Path("tickets.scored.csv").exists()


def test_predict_shows_each_text_with_its_labels(run, packaged):
    result = run(
        "predict", "--text", "happy cat", "--text", "[bold]sad[/bold]", "--model", packaged
    )
    assert result.exit_code == 0, result.output
    assert "happy cat" in result.output
    assert "[bold]sad[/bold]" in result.output  # shown, not obeyed
    assert any(label in result.output for label in LABELS)


def test_predict_scores_the_empty_text(run, packaged):
    assert run("predict", "--text", "", "--model", packaged).exit_code == 0


def test_predict_writes_beside_the_file(run, packaged):
    Path("tickets.csv").write_text("text\nhappy\nsad\n")
    result = run("predict", "tickets.csv", "--model", packaged)
    assert result.exit_code == 0, result.output
    assert "2 rows" in result.output and "tickets.scored.csv" in result.output
    with Path("tickets.scored.csv").open(newline="") as stream:
        assert [row["text"] for row in csv.DictReader(stream)] == ["happy", "sad"]


def test_predict_writes_where_asked_from_the_column_asked(run, packaged):
    Path("tickets.csv").write_text("body\nhappy\n")
    result = run(
        "predict", "tickets.csv", "--model", packaged, "-o", "deep/out.csv", "--text-column", "body"
    )
    assert result.exit_code == 0, result.output
    assert Path("deep/out.csv").exists() and not Path("tickets.scored.csv").exists()


def test_predict_names_a_missing_file_and_column(run, packaged):
    assert_user_error(run("predict", "absent.csv", "--model", packaged), "absent.csv", "no such")
    Path("tickets.csv").write_text("txt\nhappy\n")
    assert_user_error(
        run("predict", "tickets.csv", "--model", packaged), "did you mean 'txt'", "--text-column"
    )


def test_predict_refuses_an_altered_model(run, packaged, tmp_path):
    folder = shutil.copytree(packaged, tmp_path / "altered")
    (folder / "thresholds.json").write_text("{}")
    assert_user_error(
        run("predict", "--text", "x", "--model", folder), "thresholds.json", "altered"
    )


def test_predict_of_a_text_without_emotion_shows_the_nearest(run, packaged):
    result = run("predict", "--text", "happy", "--threshold", 1, "--model", packaged)
    assert result.exit_code == 0
    assert "nothing reaches its threshold" in result.output
    assert max(map(len, result.output.splitlines())) <= 80


@pytest.mark.parametrize("option", [["-o", "x.csv"], ["--resume"], ["--format", "csv"]])
def test_options_of_files_are_refused_for_a_text(run, option):
    assert_user_error(run("predict", "--text", "x", *option), "go with a file")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["."], "is a folder"),
        (["x.csv", "--labels", "ekmann"], "did you mean 'ekman'"),
        (["x.csv", "--format", "jsonn"], "did you mean 'jsonl'"),
        (["-", "--resume"], "not a pipe"),
        (["x.csv", "--format", "jsonl", "-o", "y.csv"], "give it that suffix"),
    ],
)
def test_predict_names_what_cannot_be(run, packaged, arguments, expected):
    Path("x.csv").write_text("text\nhappy\n")
    assert_user_error(run("predict", *arguments, "--model", packaged), expected)


def test_predict_reports_rejected_rows_by_its_status(run, packaged):
    Path("x.csv").write_text("id,text\n1,happy\n2\n")
    result = run("predict", "x.csv", "--model", packaged)
    assert result.exit_code == 3
    assert "1 rows → x.scored.csv" in result.output
    assert "1 rows rejected → x.scored.csv.rejected.jsonl" in result.output


def test_predict_reads_standard_input(packaged):
    result = CliRunner().invoke(
        app,
        ["predict", "-", "--format", "jsonl", "--model", str(packaged)],
        input='{"text": "a"}\n',
    )
    assert result.exit_code == 0
    assert json.loads(result.stdout)["text"] == "a"


def test_interrupted_predict_says_how_to_go_on(run, packaged, monkeypatch, tmp_path):
    from emotion_slm.scoring import run as scoring

    def stop(*_):
        raise KeyboardInterrupt("2 rows are in x.part; go on with --resume")

    monkeypatch.setattr(scoring, "score", stop)
    (tmp_path / "x.csv").write_text("text\nthank you\n")
    result = run("predict", tmp_path / "x.csv", "--model", packaged)
    assert result.exit_code == 130
    assert "interrupted: 2 rows are in x.part" in result.output


@pytest.fixture
def command(tmp_path):
    """Function: (arguments, environment, options of subprocess.run) → `emotion-slm predict` done
    in a process of its own, a stub in the model's place, with the redirections in `shell`."""
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "x.csv").write_text("id,text\n1,happy\n2\n")
    paths = [str(Path(folder).resolve()) for folder in ("src", "tests")]
    program = [sys.executable, "-m", "support.predict_stubbed", "predict", "--model", "."]

    def invoke(*arguments, environment=None, shell="", **options):
        line = shlex.join([*program, *map(str, arguments)])
        return subprocess.run(
            ["bash", "-c", f"cd {shlex.quote(str(tmp_path))}; {line} {shell}"],
            capture_output=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), **(environment or {})},
            **options,
        )

    return invoke


ASCII = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}


@pytest.mark.parametrize("environment", [{"PYTHONIOENCODING": "latin-1"}, ASCII])
@pytest.mark.parametrize("arguments", [["x.csv"], ["--text", "happy 😀 cat"], ["-"], ["--help"]])
def test_predict_on_a_terminal_of_another_encoding(command, environment, arguments):
    done = command(*arguments, environment=environment, input="café\n".encode())
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    assert done.returncode == (3 if arguments == ["x.csv"] else 0)
    if arguments == ["-"]:
        assert done.stdout.startswith(b"text,labels") and "café".encode() in done.stdout


@pytest.mark.parametrize(
    ("arguments", "shell", "status"),
    [
        (["x.csv"], "| true; exit ${PIPESTATUS[0]}", 3),
        (["x.csv"], ">&-", 3),
        (["x.csv"], "2>&-", 3),
        (["x.csv"], ">&- 2>&-", 3),
        (["--text", "happy"], "| true; exit ${PIPESTATUS[0]}", None),
        (["--text", "happy"], ">&-", 0),
        (["-"], "</dev/null", 1),
        (["-"], "<&-", 1),
        (["x.csv", "-o", "-"], ">&-", 1),
        (["x.csv", "-o", "-"], ">/dev/full", 1),
        (["x.csv"], ">/dev/full", 1),
        (["--text", "happy"], ">/dev/full", 1),
        (["x.csv", "-o", "-"], "| true; exit ${PIPESTATUS[0]}", None),
    ],
)
def test_predict_with_its_streams_closed(command, arguments, shell, status):
    """Where a pipe's reader goes at once, it may have gone before or after the text is written."""
    done = command(*arguments, shell=shell)
    assert b"Traceback" not in done.stderr and b"Exception ignored" not in done.stderr
    assert done.returncode == status if status is not None else done.returncode in (0, 1, 3)
    if shell.startswith(">/dev/full"):
        assert re.search(b"standard output:? could not be written .No space left", done.stderr)
    if shell == ">&-" and "-o" in arguments:
        assert b"standard output is closed" in done.stderr


def test_predict_reads_a_process_substitution(command, tmp_path):
    (tmp_path / "y.csv.gz").write_bytes(gzip.compress(b"id,text\n1,happy\n2,sad\n"))
    done = command("/dev/stdin", "-o", "out.csv", shell="< <(zcat y.csv.gz)")
    assert done.returncode == 0 and b"2 rows" in done.stdout, done.stderr.decode()
    done = command("/dev/fd/9", shell="9< <(zcat y.csv.gz)")
    assert done.returncode == 0 and done.stdout.startswith(b"id,text,labels")


@pytest.mark.slow
def test_predict_of_a_text_of_ten_mebibytes(packaged, tmp_path):
    """It takes little more memory than a short text does, in one process after the other."""
    script = (
        "import resource, sys; from emotion_slm.cli.app import app\n"
        "for path in sys.argv[2:]:\n"
        "    app(['predict', path, '--model', sys.argv[1]], standalone_mode=False)\n"
        "    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    files = [tmp_path / "short.txt", tmp_path / "long.txt"]
    files[0].write_text("sad ")
    files[1].write_text("sad " * (10 << 18))
    line = [sys.executable, "-c", script, packaged, *files]
    done = subprocess.run(line, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "1 texts are longer than the model reads" in done.stderr
    assert "(at most 32 tokens)" in done.stderr
    short, long = (int(word) for word in done.stdout.split() if word.isdigit() and word != "1")
    assert long - short < 200 * 1024  # KiB


def test_predict_of_a_headerless_file(run, packaged):
    Path("dev.tsv").write_text('"happy cat\t17\tid1\nsad\t25\tid2\n')
    result = run("predict", "dev.tsv", "--no-header", "--text-column", 1, "--model", packaged)
    assert result.exit_code == 0, result.output
    with Path("dev.scored.tsv").open(newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    assert [(row["1"], row["2"], row["3"]) for row in rows] == [
        ('"happy cat', "17", "id1"), ("sad", "25", "id2")
    ]  # fmt: skip
    assert_user_error(run("predict", "dev.tsv", "--model", packaged), "--no-header")
    assert_user_error(run("predict", "dev.tsv", "--quoting", "non"), "did you mean 'none'")


@pytest.mark.parametrize("threshold", ["nan", "-1", "2"])
@pytest.mark.parametrize("arguments", [["--text", "happy"], ["x.csv"]])
def test_predict_refuses_a_threshold_that_is_no_probability(run, arguments, threshold):
    Path("x.csv").write_text("text\nhappy\n")
    result = run("predict", *arguments, "--threshold", threshold)
    assert result.exit_code == 2 and "--threshold" in result.output


def test_export_writes_a_model_that_predict_reads(run, packaged, exported, monkeypatch):
    from emotion_slm.publish import onnx_export

    monkeypatch.setattr(  # torch takes seconds to make one
        onnx_export, "write_graph", lambda _, path: shutil.copyfile(exported / "model.onnx", path)
    )
    Path("data/split").mkdir(parents=True)
    pd.DataFrame({"text": ["happy cat", "tree"]}).to_parquet("data/split/validation.parquet")
    result = run("export", "--onnx", "--int8", "--model", packaged)
    assert result.exit_code == 0, result.output
    assert re.search(r"of 2 validation texts \d get other labels than by", result.output)
    assert "int8, " in result.output and "→ models/onnx" in result.output
    result = run("predict", "--text", "happy cat", "--model", "models/onnx")
    assert result.exit_code == 0, result.output
    assert any(label in result.output for label in LABELS)
    assert_user_error(
        run("export", "--onnx", "--model", packaged), "models/onnx: not empty; name a new folder"
    )


def test_export_without_the_extra_says_what_to_install(run, packaged, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    result = run("export", "--onnx", "--model", packaged, "-o", "out")
    assert_user_error(result, 'pip install -e ".[train,onnx]"')
    assert not Path("out").exists()


def test_export_names_what_it_lacks(run):
    assert_user_error(run("export"), "--onnx")
    assert_user_error(run("export", "--onnx"), "models/classifier", "emotion-slm pull")


def test_report_without_metrics(run):
    assert_user_error(run("report"), "dvc.lock: no such file", "dvc repro")


def test_report_with_broken_metrics(run, tmp_path):
    write_run(tmp_path)
    (paths.METRICS / "test.json").write_text("{")
    assert_user_error(run("report"), "metrics/test.json", "not valid JSON")


def test_report_shows_the_table_and_writes_page_and_summary(run, tmp_path):
    write_run(tmp_path, profile="minilm")
    result = run("report", "-o", "out", "--no-texts")
    assert result.exit_code == 0, result.output
    assert "profile minilm, pooled split" in result.output
    assert "→ out/report.html, out/report.md" in result.output
    assert "Left out, as asked." in Path("out/report.html").read_text()


def test_report_of_metrics_of_an_older_form(run, tmp_path):
    write_run(tmp_path)
    (paths.METRICS / "test.json").write_text('{"macro_f1": 0.5, "intervals": {}}')
    assert_user_error(run("report"), "metrics/test.json: not flat numbers", "dvc repro")
    assert not Path("reports").exists()


@pytest.mark.parametrize(
    ("command", "package"),
    [(["pull"], "ruamel.yaml"), (["push", "a/b"], "httpx")],
)
def test_a_command_without_a_package_of_the_extra_names_the_extra(command, package):
    code = (
        "import sys\n"
        f"sys.modules[{package!r}] = None  # as if it were not installed\n"
        "from emotion_slm.cli.app import app\n"
        f"app({command!r})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert f"{package} is not installed" in done.stderr and "`train`" in done.stderr


@pytest.fixture
def below(tmp_path, monkeypatch) -> Path:
    """A subfolder of a project, the working directory."""
    (tmp_path / "dvc.yaml").write_text("stages: {}\n")
    folder = tmp_path / "notebooks/deep"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


def test_report_from_a_subfolder_is_that_of_the_project(run, tmp_path, below):
    write_run(tmp_path)
    result = run("report")
    assert result.exit_code == 0 and "→ ../../reports/report.html" in result.output
    assert (tmp_path / "reports/report.html").exists()
    result = run("report", "-o", "here")
    assert result.exit_code == 0 and "→ here/report.html" in result.output
    assert (below / "here/report.html").exists()


@pytest.mark.parametrize("command", [["predict", "--text", "x"], ["lineage"], ["export", "--onnx"]])
def test_the_model_of_the_project_is_meant_in_a_subfolder(run, tmp_path, below, command):
    assert_user_error(run(*command), "models/classifier", "emotion-slm pull")
    (tmp_path / "models/classifier").mkdir(parents=True)
    (tmp_path / "models/classifier/config.json").write_text("{")
    assert_user_error(run(*command), "models/classifier/config.json: not valid JSON")


def test_a_model_that_is_named_is_meant_as_named(run, below):
    result = run("predict", "--text", "x", "--model", "my/model")
    assert_user_error(result, "my/model")
    assert "../my/model" not in result.output


def test_audit_from_a_subfolder_is_that_of_the_project(run, below):
    for options in ((), ("--root", ".")):
        said = "could not check split, raw", "split, because of data/split/train.parquet: no such"
        assert_user_error(run("audit", *options), *said)


def test_disk_and_fsck_from_a_subfolder_are_those_of_the_project(run, tmp_path, below):
    subprocess.run(
        [sys.executable, "-m", "dvc", "init", "-q", "--no-scm"], cwd=tmp_path, check=True
    )
    (tmp_path / "dvc.lock").write_text("schema: '2.0'\n")
    result = run("fsck")
    assert result.exit_code == 0 and "0 damaged" in result.output
    assert run("disk").exit_code == 0


def test_audit_that_is_not_strict_reports_what_it_could_not_check(run):
    result = run("audit", "--no-strict")
    assert result.exit_code == 0, result.output
    assert f"{len(PARTS)} parts not checked" in result.output
    assert "data/split/train.parquet: no such file" in " ".join(result.output.split())


def test_unknown_command_and_option(run):
    assert run("predct").exit_code == 2
    assert run("predict", "--texts", "x").exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.csv"], "no such file"),
        (["tickets.csv", "--text-column", "body"], "body"),
        (["tickets.csv", "-o", "out.xlsx"], "out.xlsx"),
        (["tickets.csv", "--labels", "ekmann"], "ekman"),
    ],
)
def test_a_wrong_file_is_named_before_the_model_is_loaded(
    run, tmp_path, monkeypatch, arguments, said
):
    monkeypatch.chdir(tmp_path)
    Path("tickets.csv").write_text("text\nthank you\n")
    monkeypatch.setattr("emotion_slm.package.package.read_labels", lambda folder: GOEMOTIONS)
    monkeypatch.setitem(sys.modules, "emotion_slm.scoring.classifier", None)  # no import of it
    assert_user_error(run("predict", *arguments), said)
    assert [path.name for path in tmp_path.iterdir()] == ["tickets.csv"]
