"""Packages of strangers: each fault is one clear error, whichever way the package is read.

Whoever damaged a file here made its hash fit again. Nothing may hang, end in a traceback, or be
written.
"""

import json
import os
import re
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from support.labels import LABELS
from typer.testing import CliRunner

from emotion_slm.cli.app import app
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import sha256_file
from emotion_slm.scoring.classifier import EmotionClassifier

GUARD_SECONDS = 120  # for all ways of one package, which take half a second
TEXT = "a happy cat \u2603"
TOKENIZER, CALIBRATION, THRESHOLDS = "tokenizer.json", "calibration.json", "thresholds.json"
ENCODER, CLASSIFIER, RESULTS = "encoder.safetensors", "classifier.safetensors", "results.json"
Damage = Callable[[Path], None]


def write(folder: Path, name: str, content: bytes) -> None:
    """Replace a file, and its hash."""
    (folder / name).write_bytes(content)
    trust(folder, name)


def trust(folder: Path, name: str) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["files"][name] = sha256_file(folder / name)
    (folder / "config.json").write_text(json.dumps(config))


def content(name: str, data: bytes) -> Damage:
    return lambda folder: write(folder, name, data)


def changed(name: str, change: Callable[[dict], object]) -> Damage:
    """A JSON file in which `change` was at work."""

    def damage(folder: Path) -> None:
        found = json.loads((folder / name).read_text())
        change(found)
        if name == "config.json":
            (folder / name).write_text(json.dumps(found))
        else:
            write(folder, name, json.dumps(found).encode())

    return damage


def at(name: str, path: str, value: object) -> Damage:
    """A JSON file with another value at a dotted path; `...` takes the key away."""
    *above, last = path.split(".")

    def change(found: dict) -> None:
        for key in above:
            found = found[key]
        if value is ...:
            del found[last]
        else:
            found[last] = value

    return changed(name, change)


def config(path: str, value: object) -> Damage:
    return at("config.json", path, value)


def hashed(name: str, value: object) -> Damage:
    return changed("config.json", lambda found: found["files"].update({name: value}))


def tensors(name: str, change: Callable[[dict], object]) -> Damage:
    def damage(folder: Path) -> None:
        found = load_file(folder / name)
        change(found)
        save_file(found, folder / name)
        trust(folder, name)

    return damage


def text_of_config(change: Callable[[str], str]) -> Damage:
    def damage(folder: Path) -> None:
        path = folder / "config.json"
        path.write_text(change(path.read_text()), encoding="utf-8")

    return damage


def in_place_of(name: str, make: Callable[[Path], object]) -> Damage:
    def damage(folder: Path) -> None:
        (folder / name).unlink()
        make(folder / name)

    return damage


def linked_outside(name: str) -> Damage:
    """The file moved elsewhere and linked: all hashes fit."""

    def damage(folder: Path) -> None:
        shutil.move(folder / name, folder.parent / "secret")
        (folder / name).symlink_to(folder.parent / "secret")

    return damage


def circle(path: Path) -> None:
    path.symlink_to(path.with_name("round"))
    path.with_name("round").symlink_to(path)


def sparse(size: int) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        path.touch()
        os.truncate(path, size)

    return make


def cut(name: str, keep: int) -> Damage:
    return lambda folder: write(folder, name, (folder / name).read_bytes()[:keep])


def header_of(length: int) -> bytes:
    return length.to_bytes(8, "little") + b"{}"


DEEP = b'{"a":' * 100_000
PLATT = f"parameters.{LABELS[0]}"
KNOTS = {"logits": [0.0, 1.0], "probabilities": [0.2, 0.4]}


def isotonic(**changes: object) -> Damage:
    parameters = {label: KNOTS for label in LABELS} | {LABELS[3]: KNOTS | changes}
    whole = json.dumps({"method": "isotonic", "parameters": parameters})
    return content(CALIBRATION, whole.encode())


def far_token(found: dict) -> None:
    found["post_processor"]["special_tokens"]["[CLS]"]["ids"] = [10**6]


# Damage and what its error must name: the file, then what is wrong.
CONFIG_CASES = {
    "no json": (text_of_config(lambda text: text[:-20]), "not valid JSON"),
    "empty": (text_of_config(lambda _: ""), "not valid JSON"),
    "a list": (text_of_config(lambda text: f"[{text}]"), "expected a JSON object, found list"),
    "too deep": (text_of_config(lambda _: DEEP.decode()), "nested too deeply"),
    "deep enough to crash what prints it": (
        text_of_config(lambda text: text.replace('"seed": 4', f'"x": {"[" * 300}{"]" * 300}')),
        "nested too deeply",
    ),
    "a key twice": (
        text_of_config(lambda text: text.replace('"width": 32', '"width": 32, "width": 32')),
        "key 'width' occurs twice",
    ),
    "a long number": (
        text_of_config(lambda text: text.replace('"width": 32', f'"width": {"9" * 5000}')),
        "not valid JSON",
    ),
    "nan": (text_of_config(lambda text: text.replace('"seed": 4', '"seed": NaN')), "NaN is no"),
    "infinite": (
        text_of_config(lambda text: text.replace('"seed": 4', '"seed": 1e999')),
        "1e999 is no finite number",
    ),
    "half a character": (
        text_of_config(lambda text: text.replace('"seed": 4', r'"seed": "\ud800"')),
        "not valid JSON",
    ),
    "latin-1": (
        lambda folder: (folder / "config.json").write_bytes(b'{"format_version": "\xe4"}'),
        "not valid JSON",
    ),
    "huge": (in_place_of("config.json", sparse(2**40)), "bytes, expected"),
    "zeros": (
        in_place_of("config.json", lambda path: path.symlink_to("/dev/zero")),
        "is a link",
    ),
    "pipe": (in_place_of("config.json", os.mkfifo), "is a pipe"),
    "folder": (in_place_of("config.json", Path.mkdir), "is a folder"),
    "circle": (in_place_of("config.json", circle), "is a link"),
    "format": (config("format_version", "4" * 10_000), "model format"),
    "format list": (config("format_version", [3]), r"model format \[3\]"),
    "labels list": (config("label2id", list(LABELS)), "label2id: .* found"),
    "labels twice": (config(f"id2label.{1}", LABELS[0]), "do not name the same labels"),
    "labels at no place": (
        changed("config.json", lambda found: found["id2label"].update({"9" * 5000: "x"})),
        "do not name the same labels",
    ),
    "labels at an odd place": (
        changed(
            "config.json", lambda found: found["id2label"].update({"٠": found["id2label"].pop("0")})
        ),
        "do not name the same labels",
    ),
    "labels number": (config("id2label", {"0": 0}), "id2label.0: .* found 0"),
    "labels bool": (
        config(f"label2id.{LABELS[0]}", False),
        f"label2id.{LABELS[0]}: .* found False",
    ),
    "width zero": (config("width", 0), "width: .* found 0"),
    "width huge": (config("width", 10**12), "width: .* found 1000000000000"),
    "width other": (config("width", 33), "width: found 33"),
    "width other large": (config("width", 65_536), "width: found 65536"),
    "width text": (config("width", "32"), "width: .* found '32'"),
    "width float": (config("width", 32.5), "width: .* found 32.5"),
    "width true": (config("width", True), "width: .* found True"),
    "width of the head, not of the encoder": (
        lambda folder: (
            config("width", 28)(folder),
            tensors(CLASSIFIER, lambda t: t.update({"layers.0.weight": half(28, 28)}))(folder),
        ),
        "width: found 28, expected 32",
    ),
    "frozen no": (config("adapted.frozen", "no"), "adapted.frozen: .* found 'no'"),
    "frozen 0": (config("adapted.frozen", 0), "adapted.frozen: .* found 0"),
    "frozen null": (config("adapted.frozen", None), "adapted.frozen: .* found None"),
    "frozen absent": (config("adapted.frozen", ...), "adapted.frozen: missing key"),
    "frozen with weights": (config("adapted.frozen", True), "adapted.frozen is true, yet"),
    "frozen with adapters": (
        config("adapted", {"frozen": True, "lora": {"r": 1, "alpha": 1, "dropout": 0.0}}),
        "adapted: `frozen` is true",
    ),
    "adapted key": (config("adapted.frosen", True), "adapted.frosen: unknown key"),
    "lora huge": (
        config("adapted.lora", {"r": 10**12, "alpha": 1, "dropout": 0.0}),
        "adapted.lora.r: .* found 1000000000000",
    ),
    "lora large": (
        config("adapted.lora", {"r": 60_000, "alpha": 1, "dropout": 0.0}),
        "adapted.lora.r: found 60000",
    ),
    "lora list": (config("adapted.lora", [1]), r"adapted.lora: .* found \[1\]"),
    "encoder null": (config("encoder", None), "encoder: .* found None"),
    "length huge": (config("encoder.max_length", 10**12), "encoder.max_length: .* found"),
    "length beyond positions": (config("encoder.max_length", 1000), "reads up to 64 tokens"),
    "length zero": (config("encoder.max_length", 0), "encoder.max_length: .* found 0"),
    "pooling": (config("encoder.pooling", "max"), "encoder.pooling: .* found 'max'"),
    "normalize": (config("encoder.normalize", "yes"), "encoder.normalize: .* found 'yes'"),
    "id number": (config("encoder.id", 7), "encoder.id: .* found 7"),
    "id empty": (config("encoder.id", ""), "encoder.id: .* found ''"),
    "id huge": (config("encoder.id", "a" * 10**6), "encoder.id: .* found 'aaa"),
    "id with a zero byte": (config("encoder.id", "a\0b"), "neither a local folder nor"),
    "id of no model": (config("encoder.id", "/dev"), "no .safetensors file"),
    "pins given by hand": (config("encoder.pins", [["a", "b"]]), "encoder.pins: "),
    "sha256 null": (config("encoder.sha256", None), "encoder.sha256: found null"),
    "sha256 short": (config("encoder.sha256", "abc"), "encoder.sha256: .* found 'abc'"),
    "sha256 other": (config("encoder.sha256", "0" * 64), "not those pinned"),
    "sha256 null, pins of other weights": (
        lambda folder: (
            config("encoder.sha256", None)(folder),
            changed(
                "config.json",
                lambda found: found["provenance"]["base"].update(
                    {
                        found["encoder"]["id"]: {
                            "revision": None,
                            "files": {"model.safetensors": "0" * 64},
                        }
                    }
                ),
            )(folder),
        ),
        "not those pinned in the package's provenance",
    ),
    "loader": (config("encoder.loader", "pickle"), "encoder.loader: .* found 'pickle'"),
    "classifier unknown": (config("classifier", {"name": "tree"}), "classifier: .*'tree'"),
    "classifier list": (config("classifier", []), r"classifier: .* found \[\]"),
    "classifier of another kind": (
        config("classifier", {"name": "mlp", "hidden": 28, "dropout": 0.0}),
        f"{CLASSIFIER}: tensor layers",
    ),
    "hidden huge": (
        config("classifier", {"name": "mlp", "hidden": 10**12, "dropout": 0.0}),
        "classifier.*hidden: .* found 1000000000000",
    ),
    "hidden large": (
        config("classifier", {"name": "mlp", "hidden": 60_000, "dropout": 0.0}),
        "classifier.hidden: found 60000",
    ),
    "origin text": (config("origin", "x"), "origin: .* found 'x'"),
    "origin markup": (config("origin.profile", "x\n# Free money"), "origin.profile: .* found"),
    "origin html": (config("origin.corpus", "<script>"), "origin.corpus: .* found"),
    "provenance list": (config("provenance", []), r"provenance: .* found \[\]"),
    "provenance base": (config("provenance.base", {"x": 1}), "provenance.base.x: .* found 1"),
    "provenance data": (
        config("provenance.data", {"../../secret": "ab" * 32}),
        "provenance.data: ../../secret lies outside",
    ),
    "onnx": (config("onnx", True), "onnx: .* found True"),
    "onnx without a graph": (config("onnx", "int8"), "no hash for model.onnx"),
    "files null": (config("files", None), "files: .* found None"),
    "files list": (config("files", [TOKENIZER]), "files: .* found"),
    "files number": (hashed(RESULTS, 1), "files.*: .* found 1"),
    "files short": (hashed(RESULTS, "ab"), "files.*: .* found 'ab'"),
    "files upper": (hashed(RESULTS, "AB" * 32), "files.*: .* found 'ABAB"),
    "files unlisted": (
        changed("config.json", lambda found: found["files"].pop(TOKENIZER)),
        "no hash for tok",
    ),
}
NAMES = [
    "../secret", "..", ".", "", "/etc/passwd", "a/b", "a\\b", "..\\secret", "C:\\secret",
    "C:secret", "CON", "nul.json", "x\0y", "/dev/zero", "config.json ", "Config.json", "README.md",
    "config.json", ".env", "~/.ssh/id_rsa", "x" * 5000, "thresholds.JSON", "ｔhresholds.json",
    "tokenizer.json.", "file:///etc/passwd", "evil\u202egnp.exe", "\n", "pytorch_model.bin",
]  # fmt: skip


def half(*shape: int, value: float = 0.0) -> torch.Tensor:
    return torch.full(shape, value, dtype=torch.float16)


CONTENT_CASES = {
    "tokenizer no json": (content(TOKENIZER, b"{"), f"{TOKENIZER}: not a tokenizer"),
    "tokenizer empty": (content(TOKENIZER, b""), f"{TOKENIZER}: not a tokenizer"),
    "tokenizer deep": (content(TOKENIZER, DEEP), f"{TOKENIZER}: not a tokenizer"),
    "tokenizer list": (content(TOKENIZER, b"[]"), f"{TOKENIZER}: not a tokenizer"),
    "tokenizer bytes": (content(TOKENIZER, bytes(range(256))), f"{TOKENIZER}: not a tokenizer"),
    "tokenizer huge": (in_place_of(TOKENIZER, sparse(2**40)), f"{TOKENIZER}: .* bytes, expected"),
    "tokenizer pipe": (in_place_of(TOKENIZER, os.mkfifo), f"{TOKENIZER}: is a pipe"),
    "tokenizer device": (
        in_place_of(TOKENIZER, lambda path: path.symlink_to("/dev/zero")),
        f"{TOKENIZER}: is a link",
    ),
    "tokenizer model": (at(TOKENIZER, "model.type", "Tree"), f"{TOKENIZER}: not a tokenizer"),
    "tokenizer words": (at(TOKENIZER, "model.vocab", 7), f"{TOKENIZER}: not a tokenizer"),
    "tokenizer without its unknown word": (
        changed(TOKENIZER, lambda found: found["model"].update(unk_token="[NIL]")),
        f"{TOKENIZER}: not a tokenizer",
    ),
    "tokenizer regex": (
        at(TOKENIZER, "normalizer", {"type": "Replace", "pattern": {"Regex": "("}, "content": ""}),
        f"{TOKENIZER}: not a tokenizer",
    ),
    "tokenizer charsmap": (
        at(TOKENIZER, "normalizer", {"type": "Precompiled", "precompiled_charsmap": "AAAA"}),
        f"{TOKENIZER}: not a tokenizer",
    ),
    "tokenizer side": (
        at("tokenizer_config.json", "truncation_side", ["left"]),
        "tokenizer_config.json: truncation_side: found",
    ),
    "tokenizer config": (content("tokenizer_config.json", b"null"), "expected a JSON object"),
    "corpus list": (content("corpus.json", b"[]"), "corpus.json: expected a JSON object"),
    "corpus empty": (content("corpus.json", b"{}"), "corpus.json: "),
    "corpus deep": (content("corpus.json", DEEP), "corpus.json: not valid JSON"),
    "corpus pipe": (in_place_of("corpus.json", os.mkfifo), "corpus.json: is a pipe"),
    "corpus of other labels": (
        changed("corpus.json", lambda found: found["labels"].reverse()),
        "its labels are not those of corpus.json|corpus.json: ",
    ),
    "calibration list": (content(CALIBRATION, b"[]"), f"{CALIBRATION}: expected a JSON object"),
    "calibration method": (at(CALIBRATION, "method", "magic"), f"{CALIBRATION}: .*'magic'"),
    "calibration method list": (at(CALIBRATION, "method", ["platt"]), f"{CALIBRATION}: "),
    "calibration empty": (at(CALIBRATION, "parameters", ...), f"{CALIBRATION}: 'parameters'"),
    "calibration null": (at(CALIBRATION, "parameters", None), f"{CALIBRATION}: expected an object"),
    "calibration label": (at(CALIBRATION, PLATT, ...), f"{CALIBRATION}: missing or unknown label"),
    "calibration text": (at(CALIBRATION, f"{PLATT}.slope", "2"), f"{CALIBRATION}: .* found '2'"),
    "calibration true": (at(CALIBRATION, f"{PLATT}.slope", True), f"{CALIBRATION}: .* found True"),
    "calibration huge": (at(CALIBRATION, f"{PLATT}.slope", 10**400), f"{CALIBRATION}: .* number"),
    "calibration negative": (at(CALIBRATION, f"{PLATT}.slope", -1), f"{CALIBRATION}: .* positive"),
    "calibration number": (at(CALIBRATION, PLATT, 3), f"{CALIBRATION}: .*expected numbers"),
    "temperature": (
        content(CALIBRATION, b'{"method": "temperature", "parameters": {"temperature": "1"}}'),
        f"{CALIBRATION}: expected a number 'temperature', found '1'",
    ),
    "knots": (isotonic(logits=[0.0]), f"{CALIBRATION}: .* one length"),
    "knots texts": (isotonic(logits=["0", "1"]), f"{CALIBRATION}: .* found '0'"),
    "knots nested": (isotonic(logits=[[0.0], [1.0]]), f"{CALIBRATION}: .* found"),
    "knots text": (isotonic(logits="01"), f"{CALIBRATION}: .*expected lists"),
    "knots falling": (isotonic(logits=[1.0, 0.0]), f"{CALIBRATION}: .* increase"),
    "knots none": (isotonic(logits=[], probabilities=[]), f"{CALIBRATION}: .* one length"),
    "knots improbable": (isotonic(probabilities=[0.5, 1.5]), f"{CALIBRATION}: .* 0 and 1"),
    "blend of one": (
        content(CALIBRATION, b'{"method": "blend", "parameters": {"platt": {}}}'),
        f"{CALIBRATION}: ",
    ),
    "thresholds list": (at(THRESHOLDS, "per_label", [0.5] * 28), f"{THRESHOLDS}: not a thresholds"),
    "thresholds few": (at(THRESHOLDS, f"per_label.{LABELS[5]}", ...), f"{THRESHOLDS}: .*label"),
    "thresholds more": (at(THRESHOLDS, "per_label.bliss", 0.5), f"{THRESHOLDS}: .*'bliss'"),
    "thresholds text": (at(THRESHOLDS, f"per_label.{LABELS[5]}", "0.5"), "found '0.5'"),
    "thresholds true": (at(THRESHOLDS, f"per_label.{LABELS[5]}", True), "found True"),
    "thresholds nan": (at(THRESHOLDS, f"per_label.{LABELS[5]}", float("nan")), "not valid JSON"),
    "thresholds two": (at(THRESHOLDS, f"per_label.{LABELS[5]}", 2), "is not between 0 and 1"),
    "thresholds without one for all": (at(THRESHOLDS, "global", ...), f"{THRESHOLDS}: "),
    "weights empty": (content(CLASSIFIER, b""), f"{CLASSIFIER}: not a readable safetensors"),
    "weights cut": (cut(CLASSIFIER, -1), f"{CLASSIFIER}: not a readable safetensors"),
    "weights cut in the header": (cut(ENCODER, 20), f"{ENCODER}: not a readable safetensors"),
    "weights with a long header": (content(CLASSIFIER, header_of(2**62)), "cut off in it"),
    "weights without a header": (content(CLASSIFIER, header_of(2)), "width: found 32"),
    "weights of garbage": (
        content(CLASSIFIER, (2).to_bytes(8, "little") + b"[]"),
        "its header is damaged",
    ),
    "weights of a deep header": (
        content(CLASSIFIER, len(DEEP).to_bytes(8, "little") + DEEP),
        "its header is damaged",
    ),
    "weights float32": (
        tensors(CLASSIFIER, lambda t: t.update({"layers.0.bias": torch.zeros(28)})),
        "layers.0.bias is torch.float32",
    ),
    "weights of integers": (
        tensors(ENCODER, lambda t: t.update({k: v.to(torch.int8) for k, v in t.items()})),
        "is torch.int8",
    ),
    "weights nan": (
        tensors(CLASSIFIER, lambda t: t.update({"layers.0.bias": half(28, value=np.nan)})),
        "layers.0.bias holds what is no finite number",
    ),
    "weights infinite": (
        tensors(ENCODER, lambda t: t.update({k: v * np.inf for k, v in t.items()})),
        "holds what is no finite number",
    ),
    "weights of other shapes": (
        tensors(CLASSIFIER, lambda t: t.update({"layers.0.weight": half(28, 33)})),
        "width: found 32",
    ),
    "weights transposed": (
        tensors(CLASSIFIER, lambda t: t.update({"layers.0.weight": half(32, 28)})),
        r"layers.0.weight is \(32, 28\)",
    ),
    "weights more": (
        tensors(CLASSIFIER, lambda t: t.update({"layers.1.weight": half(1)})),
        "layers.1.weight has no place",
    ),
    "weights fewer": (tensors(ENCODER, lambda t: t.popitem()), "is missing"),
    "weights huge": (in_place_of(ENCODER, sparse(2**42)), f"{ENCODER}: .* bytes, expected"),
    "weights pipe": (in_place_of(CLASSIFIER, os.mkfifo), f"{CLASSIFIER}: is a pipe"),
    "weights folder": (in_place_of(CLASSIFIER, Path.mkdir), f"{CLASSIFIER}: is a folder"),
    "weights circle": (in_place_of(ENCODER, circle), f"{ENCODER}: is a link"),
    "weights gone": (lambda folder: (folder / ENCODER).unlink(), f"{ENCODER}: no such file"),
}  # fmt: skip
LINK_CASES = {
    f"link {name}": (linked_outside(name), f"{name}: is a link")
    for name in (TOKENIZER, CALIBRATION, THRESHOLDS, ENCODER, CLASSIFIER, RESULTS, "config.json")
}
NAME_CASES = {
    f"name {name[:20]!r}": (hashed(name, "ab" * 32), "files: .* is no file of a package")
    for name in NAMES
}
# The card alone shows results: a package with bad ones scores.
RESULT_CASES = {
    "results list": (content(RESULTS, b"[]"), f"{RESULTS}: expected a JSON object"),
    "results empty": (content(RESULTS, b"{}"), f"{RESULTS}: test: missing key"),
    "results text": (at(RESULTS, "test.macro_f1", "0.5"), f"{RESULTS}: test.macro_f1: .*'0.5'"),
    "results rows": (at(RESULTS, "per_label", 3), f"{RESULTS}: per_label: .* found 3"),
    "results markup": (
        changed(RESULTS, lambda found: found["per_label"][0].update(label="[x](http://x)")),
        rf"{RESULTS}: per_label: '\[x\]\(http://x\)' is none of the model's labels",
    ),
    "results support": (
        changed(RESULTS, lambda found: found["per_label"][0].update(support="many")),
        f"{RESULTS}: per_label.0.support: .*'many'",
    ),
    "results audit": (at(RESULTS, "leakage", []), f"{RESULTS}: leakage: "),
}
SCORED = CONFIG_CASES | CONTENT_CASES | LINK_CASES | NAME_CASES


@pytest.fixture
def model(packaged, tmp_path) -> Path:
    return Path(shutil.copytree(packaged, tmp_path / "model"))


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """An empty working folder, and an empty one for temporary files: both must stay so."""
    root = tmp_path / "here"
    for folder in (root, tmp_path / "temporary"):
        folder.mkdir()
    monkeypatch.chdir(root)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    yield root
    assert list(root.iterdir()) == [] and list((tmp_path / "temporary").iterdir()) == []


@pytest.fixture(autouse=True)
def guard():
    """What hangs ends in an error of its own."""

    def ring(*_: object) -> None:
        pytest.fail("it hangs")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(GUARD_SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def assert_refused(model: Path, *command: str) -> str:
    done = CliRunner().invoke(app, [*command, "--model", str(model)])
    assert isinstance(done.exception, SystemExit), (command, done.exception, done.output)
    assert done.exit_code == 1 and "Traceback" not in done.output
    assert len(done.output.strip().splitlines()) == 1 and len(done.output) < 2000, done.output
    return done.output


WAYS = (["predict", "--text", TEXT], ["push", "me/x"], ["export", "--onnx", "-o", "out"])


@pytest.mark.parametrize("name", SCORED)
def test_each_way_of_reading_tells_the_same(model, here, name):
    damage, expected = SCORED[name]
    damage(model)
    with pytest.raises(EmotionSlmError, match=expected) as caught:
        EmotionClassifier.from_pretrained(model).predict([TEXT])
    for way in WAYS:
        message = assert_refused(model, *way)
        assert str(caught.value) in message or (
            "push" in way and "only a linear head does" in message
        )


@pytest.mark.parametrize("name", RESULT_CASES)
def test_results_that_no_card_can_show_are_not_handed_on(model, here, name):
    damage, expected = RESULT_CASES[name]
    damage(model)
    EmotionClassifier.from_pretrained(model).predict([TEXT])
    for way in WAYS[1:]:
        assert re.search(expected, assert_refused(model, *way))


@pytest.mark.parametrize("made", ["packaged", "exported"])
def test_a_token_that_the_encoder_lacks_is_named(request, tmp_path, here, made):
    model = Path(shutil.copytree(request.getfixturevalue(made), tmp_path / "model"))
    changed(TOKENIZER, far_token)(model)
    assert_refused(model, *WAYS[0])
    config("probe", None)(model)  # as of an older package, which has none to be held to
    with pytest.raises(EmotionSlmError, match=r"gives a token that|model\.onnx: .* cannot run it"):
        EmotionClassifier.from_pretrained(model).predict([TEXT])


def test_there_are_many(packaged):
    assert len(SCORED) + len(RESULT_CASES) > 150
    EmotionClassifier.from_pretrained(packaged).predict([TEXT])
