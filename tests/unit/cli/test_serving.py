import builtins
import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

from emotion_slm.cli.app import app


def serve(*arguments: str):
    return CliRunner().invoke(app, ["serve", *arguments])


def assert_refused(result, *parts: str) -> None:
    assert result.exit_code == 1 and isinstance(result.exception, SystemExit)
    for part in parts:
        assert part in result.output


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_others_can_reach_it_only_with_a_token_or_by_express_wish(host, tmp_path):
    assert_refused(serve("--host", host), host, "--token-file", "--no-token")
    (tmp_path / "token").write_text("0123456789abcdef")
    for allowed in (["--no-token"], ["--token-file", str(tmp_path / "token")]):
        result = serve("--host", host, "--port", "0", "--model", str(tmp_path / "none"), *allowed)
        # The next thing to fail: the model, or an address of another machine.
        assert "no model here" in result.output or "not to be had" in result.output


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.53"])
def test_loopback_needs_no_token(host, tmp_path):
    result = serve("--host", host, "--port", "0", "--model", str(tmp_path / "none"))
    assert_refused(result, "no model here", "emotion-slm pull")


def test_a_taken_port_is_named_before_the_model_is_loaded(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = serve("--port", port, "--model", str(tmp_path / "none"))
    assert_refused(result, f"--port {port}", "--port 0")


def test_an_unknown_host(tmp_path):
    assert_refused(serve("--host", "no.such.host.invalid"), "no.such.host.invalid")


def test_limits_and_tokens_that_do_not_fit_are_refused(tmp_path):
    assert_refused(serve("--max-queue", "8"), "--max-queue 8", "--max-texts")
    (tmp_path / "token").write_text("short")
    token = str(tmp_path / "token")
    assert_refused(serve("--token-file", token), "openssl rand")
    assert_refused(serve("--token-file", token, "--no-token"), "either")


def test_without_the_extra_it_says_what_to_install(monkeypatch):
    real = builtins.__import__

    def without(name, *arguments, **named):
        if name.startswith(("emotion_slm.serve", "uvicorn")):
            raise ModuleNotFoundError(f"No module named {name!r}", name="uvicorn")
        return real(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    assert_refused(serve(), "uvicorn", "extra `serve`")


def test_the_page_comes_with_the_package():
    project = (Path(__file__).parents[3] / "pyproject.toml").read_text()
    assert '"emotion_slm.serve" = ["page.html"]' in project
