"""Nothing that is handed on names a folder of the machine that made it."""

import shutil
import sys
import sysconfig
from pathlib import Path

import onnx
import pytest
from typer.testing import CliRunner

from emotion_slm.cli.app import app
from emotion_slm.common.files import read_json, write_json
from emotion_slm.package.card import write_card
from emotion_slm.package.package import read_package
from emotion_slm.package.public import is_hub_name, public_name, without_paths
from emotion_slm.publish.hub import prepare
from emotion_slm.publish.onnx_export import export_onnx


@pytest.fixture
def package(packaged, tmp_path) -> Path:
    """A package whose base, and more of what it was made from, lie in folders of this machine."""
    folder = Path(shutil.copytree(packaged, tmp_path / "private" / "classifier"))
    config = read_json(folder / "config.json")
    base = config["encoder"]["id"]
    assert Path(base).is_absolute()
    config["provenance"]["parameters"] |= {
        "encoder": {"id": base},
        "adapt": {"training": {"launch": str(tmp_path / "private/fsdp.yaml")}},
    }
    config["provenance"]["base"] = {base: {"revision": None, "files": {}}}
    write_json(folder / "config.json", config)
    write_card(read_package(folder), str(folder))
    return folder


def assert_public(folder: Path, package: Path) -> None:
    """No file holds a path of this machine: of the test, the home, the packages or the code."""
    base = read_json(package / "config.json")["encoder"]["id"]
    private = {
        str(package.parent), str(Path(base).parent), str(Path.cwd()), sys.prefix,
        sysconfig.get_path("purelib"), str(Path(onnx.__file__).parents[1]), "site-packages",
        str(Path.home()) + "/",
    }  # fmt: skip
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    for path in files:
        content = path.read_bytes()
        found = [words for words in private if words.encode() in content]
        assert not found, path.name


def test_the_search_does_find_paths(package):
    with pytest.raises(AssertionError, match=r"config\.json|README\.md"):
        assert_public(package, package)


def test_full_weights_and_the_card_of_the_hub(package, tmp_path):
    prepare(package, "me/emotions", True, tmp_path / "push", None)
    assert {path.name for path in (tmp_path / "push").iterdir()} >= {"README.md", "config.json"}
    assert_public(tmp_path / "push", package)


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_exports(package, tmp_path, precision):
    export_onnx(read_package(package), tmp_path / "out" / "model", precision)
    assert_public(tmp_path / "out", package)
    graph = onnx.load(tmp_path / "out/model/model.onnx").graph
    assert graph.node and not any(node.metadata_props or node.doc_string for node in graph.node)
    assert not any(value.metadata_props for value in [*graph.value_info, *graph.initializer])


def test_the_command_shows_no_path_of_the_model(package):
    done = CliRunner().invoke(app, ["push", "me/emotions", "--model", str(package)])
    assert done.exit_code == 0 and str(package.parent) not in done.output


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("sentence-transformers/all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2"),
        ("gpt2", "gpt2"),
        ("/home/me/models/bert", "bert"),
        ("/home/me/models/bert/", "bert"),
        ("../me/bert", "bert"),
        ("./bert", "bert"),
        ("~/bert", "bert"),
        ("a/b/bert", "bert"),
        (r"C:\Users\me\bert", "bert"),
        (r"\\server\share\bert", "bert"),
        ("/home/me/my bert [x](y)", "my_bert_x_y_"),
        ("/", "local"),
        ("..", "local"),
        ("/home/me/..", "local"),
    ],
)
def test_names_of_models(model, name):
    assert public_name(model) == name
    assert is_hub_name(model) == (model == "sentence-transformers/all-MiniLM-L6-v2")


def test_paths_are_found_wherever_they_stand():
    inside = {"a": ["/home/me/x.yaml", {"~/y": 1}], "b": "configs/x.yaml", "c": None, "d": 0.5}
    assert without_paths(inside) == {"a": ["x.yaml", {"y": 1}], "b": "configs/x.yaml", "c": None,
                                     "d": 0.5}  # fmt: skip
