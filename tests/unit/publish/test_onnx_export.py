"""Exported models: the same scores as the package, and nothing that the package would refuse."""

import errno
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.special import expit
from support.labels import LABELS

from emotion_slm.backbone.params import LoraParams
from emotion_slm.classifier.architectures import build_classifier
from emotion_slm.classifier.finetuned import Finetuned, write_finetuned
from emotion_slm.classifier.params import MlpHead, OnePositionSlm
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import read_json, sha256_file, write_json
from emotion_slm.encoder.adapted import Adapted, build_encoder, write_adapted
from emotion_slm.package.package import Package, read_package, write_package
from emotion_slm.package.tokenizer import probe_of
from emotion_slm.publish import onnx_export
from emotion_slm.publish.full_weights import compose
from emotion_slm.publish.onnx_export import export_onnx
from emotion_slm.scoring.classifier import EmotionClassifier
from emotion_slm.scoring.onnx_graph import OnnxGraph

TEXTS = ["happy cat", "", "the very sad dog " * 30, "tree", "angry \x00 x", "a b c d e f"]
FILES = [
    "calibration.json", "corpus.json", "model.onnx", "results.json", "scores.json",
    "thresholds.json",
    "tokenizer.json", "tokenizer_config.json",
]  # fmt: skip
PARTS = ("calibration.json", "corpus.json", "thresholds.json")
LORA = LoraParams(r=2, alpha=4, dropout=0.0)


@pytest.fixture
def folder(exported, tmp_path) -> Path:
    """A private copy of the exported model."""
    return Path(shutil.copytree(exported, tmp_path / "onnx"))


@pytest.fixture
def package_of(packaged, encoder_params, tmp_path):
    """Function: base, classifier, adapters → a package with random trained weights."""

    def make(base: Path, classifier, lora=None, frozen=False, **encoder) -> Package:
        torch.manual_seed(1)
        params = encoder_params(base, **encoder)
        model = build_encoder(params, lora, 0.0, LABELS)
        with torch.no_grad():
            for weight in model.parameters():
                if weight.requires_grad:
                    weight.add_(0.1 * torch.randn_like(weight))
        write_adapted(tmp_path / "adapted", model, lora, "00")
        finetuned = Finetuned(classifier, 32, LABELS)
        write_finetuned(tmp_path / "finetuned", build_classifier(classifier, 32, LABELS), finetuned)
        package = read_package(packaged)._replace(
            folder=tmp_path / "package",
            encoder=params,
            adapted=Adapted(True) if frozen else Adapted(False, lora, "00"),
            finetuned=finetuned,
            probe=probe_of(base),
        )
        parts = {name: read_json(packaged / name) for name in PARTS}
        weights = (
            tmp_path / "adapted/encoder.safetensors",
            tmp_path / "finetuned/classifier.safetensors",
        )
        write_package(package, *weights, base, parts)
        return package

    return make


@pytest.fixture
def ready_graph(exported, monkeypatch):
    """The graph of `packaged` at once: torch takes seconds to make one."""

    def copy(_, path: Path) -> None:
        shutil.copyfile(exported / "model.onnx", path)

    monkeypatch.setattr(onnx_export, "write_graph", copy)


def sigmoids(folder: Path) -> np.ndarray:
    return expit(EmotionClassifier.from_pretrained(folder).logits(TEXTS))


def test_the_graph_scores_as_the_package_does(packaged, exported):
    difference = np.abs(sigmoids(exported) - sigmoids(packaged)).max()
    assert difference < 1e-5


def test_the_export_is_complete_and_says_what_it_is(packaged, exported):
    names = sorted(path.name for path in exported.iterdir())
    assert names == sorted([*FILES, "config.json", "README.md"])
    config, source = read_json(exported / "config.json"), read_json(packaged / "config.json")
    assert sorted(config["files"]) == sorted(FILES)
    assert config.pop("onnx") == "float32"
    del config["files"], source["files"]
    base = Path(source["encoder"]["id"])
    source["encoder"]["id"] = base.name  # a folder of this machine's
    assert config == source and base.is_absolute()
    original = read_package(packaged)
    assert read_package(exported) == original._replace(
        folder=exported,
        onnx="float32",
        encoder=original.encoder.model_copy(update={"id": base.name}),
    )


def test_an_export_needs_no_base_weights(exported, monkeypatch):
    from emotion_slm.backbone import loading as backbone

    def refuse(_):
        raise AssertionError("the base was looked for")

    monkeypatch.setattr(backbone, "locate", refuse)
    assert EmotionClassifier.from_pretrained(exported).predict(["happy"], threshold=0.0)


def test_int8_is_close_and_not_the_same(packaged, exported, ready_graph, tmp_path):
    exported_int8 = tmp_path / "int8"
    export_onnx(read_package(packaged), exported_int8, "int8")
    assert read_package(exported_int8).onnx == "int8"
    difference = np.abs(sigmoids(exported_int8) - sigmoids(packaged))
    assert 1e-5 < difference.max() < 0.1
    sizes = [(one / "model.onnx").stat().st_size for one in (exported_int8, exported)]
    assert sizes[0] < sizes[1]


def test_int8_products_are_those_of_the_rounded_matrices(tmp_path):
    """Against arithmetic of one's own; a token of a hundred times the size costs others nothing."""
    import onnx
    import onnxruntime
    from onnx.parser import parse_graph

    random = np.random.default_rng(2)
    left, right = (random.normal(size=(6, 4)).astype(np.float32) for _ in range(2))
    right[:, 1] = 0
    stack = random.normal(size=(2, 6, 4)).astype(np.float32)  # one per head: left in float32
    graph = parse_graph(
        "g (float[n, t, 6] x) => (float[n, t, 4] a, float[n, t, 4] b, float[n, t, 4] c)"
        "{ a = MatMul(x, left)  b = MatMul(x, right)  c = MatMul(x, stack) }"
    )
    for name, value in (("left", left), ("right", right), ("stack", stack)):
        graph.initializer.append(onnx.numpy_helper.from_array(value, name))
    opset = onnx.helper.make_opsetid("", onnx_export.OPSET)
    model = onnx.helper.make_model(graph, opset_imports=[opset], ir_version=10)
    onnx.save(model, tmp_path / "float32.onnx")
    quantised = onnx_export.quantise(tmp_path / "float32.onnx", tmp_path / "int8.onnx")
    x = random.normal(size=(2, 5, 6)).astype(np.float32)
    x[0, 0] *= 100
    x[1, 1] = 0
    session = onnxruntime.InferenceSession(quantised)
    found = session.run(None, {"x": x})
    for result, matrix in zip(found, (left, right), strict=False):
        by_token, by_column = rounded(x, -1), rounded(matrix, 0)
        np.testing.assert_allclose(result, by_token @ by_column, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found[2], x @ stack, rtol=1e-5, atol=1e-5)
    alone = session.run(None, {"x": x[1:]})
    assert all(np.array_equal(alone[product], found[product][1:]) for product in (0, 1))


def rounded(values: np.ndarray, axis: int) -> np.ndarray:
    """To 127 steps on either side of nought, along `axis`; halves up, as the graph does."""
    scale = np.maximum(np.abs(values).max(axis=axis, keepdims=True), 1e-9) / 127
    return np.floor(values / scale + 0.5) * scale


def test_texts_that_get_other_labels_are_counted(packaged, exported, folder):
    same = onnx_export.compare_labels(packaged, exported, TEXTS)
    assert same == (len(TEXTS), 0, same.none, same.none)
    thresholds = read_json(folder / "thresholds.json")
    never = thresholds | {"per_label": dict.fromkeys(thresholds["per_label"], 0.999999)}
    write_json(folder / "thresholds.json", never)
    config = read_json(folder / "config.json")
    config["files"]["thresholds.json"] = sha256_file(folder / "thresholds.json")
    write_json(folder / "config.json", config)
    given = len(TEXTS) - same.none
    assert onnx_export.compare_labels(packaged, folder, TEXTS) == (
        len(TEXTS), given, same.none, len(TEXTS),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        (name, damage)
        for name in FILES
        if name != "results.json"
        for damage in ("altered", "truncated", "gone", "unlisted")
        if (name, damage) != ("scores.json", "unlisted")  # older packages have none
    ],
)
def test_damaged_file_is_refused_by_name(folder, name, damage):
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    expected = "altered or truncated"
    if damage == "altered":
        (folder / name).write_bytes(bytes(content))
    elif damage == "truncated":
        (folder / name).write_bytes(bytes(content[:-1]))
    elif damage == "gone":
        (folder / name).unlink()
        expected = "no such file"
    else:
        config = read_json(folder / "config.json")
        del config["files"][name]
        write_json(folder / "config.json", config)
        expected = f"no hash for {name}"
    with pytest.raises(EmotionSlmError, match=f"{name}.*{expected}|{expected}"):
        EmotionClassifier.from_pretrained(folder)


def test_unknown_precision_is_refused(folder):
    config = read_json(folder / "config.json")
    write_json(folder / "config.json", config | {"onnx": "int3"})
    with pytest.raises(EmotionSlmError, match=r"config\.json: onnx: .* found 'int3'"):
        read_package(folder)


def test_a_graph_that_onnx_runtime_cannot_load_is_refused(exported, tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"\x08\x63no graph")
    with pytest.raises(EmotionSlmError, match=r"model\.onnx: ONNX Runtime .* cannot load it"):
        OnnxGraph(tmp_path / "model.onnx")
    assert OnnxGraph(exported / "model.onnx").width == len(LABELS)


def graph_of(inputs, outputs, nodes, constants=()) -> bytes:
    from onnx import helper

    graph = helper.make_graph(nodes, "g", inputs, outputs, list(constants))
    opset = [helper.make_opsetid("", 20)]
    return helper.make_model(graph, opset_imports=opset, ir_version=10).SerializeToString()


def graph_with(kind: str) -> bytes:
    """A sound ONNX graph that is not one of a classifier, by what is wrong with it."""
    from onnx import TensorProto, helper, numpy_helper

    def value(name, element, *shape):
        return helper.make_tensor_value_info(name, element, shape)

    rows, integers, floats = ("n", "tokens"), TensorProto.INT64, TensorProto.FLOAT
    ids, mask = value("input_ids", integers, *rows), value("attention_mask", integers, *rows)
    width = 7 if kind == "seven labels" else len(LABELS)
    weight = np.full((1, width), np.nan if kind == "nan" else 0.0, dtype=np.float32)
    sums = [
        helper.make_node("Cast", ["input_ids"], ["a"], to=floats),
        helper.make_node("Cast", ["attention_mask"], ["b"], to=floats),
        helper.make_node("Add", ["a", "b"], ["c"]),
        helper.make_node("ReduceMean", ["c", "axis"], ["d"], keepdims=1),
        helper.make_node("MatMul", ["d", "w"], ["logits"]),
    ]
    axis = np.array([5 if kind == "axis" else 1], dtype=np.int64)
    constants = [numpy_helper.from_array(weight, "w"), numpy_helper.from_array(axis, "axis")]
    output = value("logits", floats, "n", width)
    if kind == "names":
        ids = value("ids", integers, *rows)
        sums[0] = helper.make_node("Cast", ["ids"], ["a"], to=floats)
    if kind == "types":
        ids = value("input_ids", floats, *rows)
    outputs = [output, value("d", floats, "n", 1)] if kind == "two tables" else [output]
    if kind == "batch":
        sums.insert(4, helper.make_node("Reshape", ["d", "one"], ["e"]))
        sums[5] = helper.make_node("MatMul", ["e", "w"], ["logits"])
        constants.append(numpy_helper.from_array(np.array([1, 1], dtype=np.int64), "one"))
    return graph_of([ids, mask], outputs, sums, constants)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("names", "takes"),
        ("types", "takes"),
        ("two tables", "gives"),
        ("seven labels", "gives 7 logits, expected 28"),
        ("nan", "no finite number"),
        ("axis", "cannot (load|run) it"),
        ("batch", "cannot run it"),
    ],
)
def test_a_graph_of_something_else_is_refused(folder, kind, said):
    (folder / "model.onnx").write_bytes(graph_with(kind))
    config = read_json(folder / "config.json")
    config["files"]["model.onnx"] = sha256_file(folder / "model.onnx")
    write_json(folder / "config.json", config)
    with pytest.raises(EmotionSlmError, match=said):
        EmotionClassifier.from_pretrained(folder).predict(TEXTS)


def test_an_export_is_no_model_of_transformers(exported):
    with pytest.raises(EmotionSlmError, match="an ONNX graph, without the weights"):
        compose(read_package(exported))


def test_an_export_is_not_exported_again(exported, tmp_path):
    with pytest.raises(EmotionSlmError, match="is an ONNX export already"):
        export_onnx(read_package(exported), tmp_path / "again", "int8")


def test_a_folder_in_use_is_left_alone(packaged):
    before = {path.name: path.read_bytes() for path in packaged.iterdir()}
    with pytest.raises(EmotionSlmError, match="not empty; name a new folder"):
        export_onnx(read_package(packaged), packaged, "float32")
    assert {path.name: path.read_bytes() for path in packaged.iterdir()} == before


def test_an_export_that_failed_half_way_can_be_repeated(
    packaged, ready_graph, tmp_path, monkeypatch
):
    folder = tmp_path / "onnx"

    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("emotion_slm.publish.onnx_export.write_config", full)
        with pytest.raises(EmotionSlmError, match="free some space there"):
            export_onnx(read_package(packaged), folder, "float32")
    assert not folder.exists()
    assert export_onnx(read_package(packaged), folder, "float32").onnx == "float32"


def test_four_bits_are_refused(packaged, tmp_path):
    package = read_package(packaged)
    four_bit = package.encoder.model_copy(update={"four_bit": True})
    with pytest.raises(EmotionSlmError, match="4-bit"):
        export_onnx(package._replace(encoder=four_bit), tmp_path / "onnx", "float32")


def test_models_beyond_one_file_are_refused(packaged, tmp_path, monkeypatch):
    monkeypatch.setitem(onnx_export.MOST_BYTES, "model.onnx", 1000)
    with pytest.raises(EmotionSlmError, match="GiB of weights"):
        export_onnx(read_package(packaged), tmp_path / "onnx", "float32")
    assert not (tmp_path / "onnx").exists()


def test_a_graph_that_computes_something_else_is_not_written(
    packaged, ready_graph, tmp_path, monkeypatch
):
    monkeypatch.setattr(
        onnx_export.OnnxGraph, "run", lambda _, inputs: np.zeros((len(inputs["input_ids"]), 28))
    )
    with pytest.raises(EmotionSlmError, match="not the same model: for 1 texts of 1 tokens"):
        export_onnx(read_package(packaged), tmp_path / "onnx", "float32")
    assert not (tmp_path / "onnx").exists()


@pytest.mark.parametrize("module", ["onnx", "onnxscript"])
def test_export_without_the_extra_says_what_to_install(packaged, tmp_path, monkeypatch, module):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(EmotionSlmError, match=rf'{module} is not .*"\.\[train,onnx\]"'):
        export_onnx(read_package(packaged), tmp_path / "onnx", "float32")


def test_the_card_says_what_it_is_the_card_of(exported):
    card = (exported / "README.md").read_text()
    assert card.index("Exported to ONNX, float32") < card.index("## How to load")
    assert f'from_pretrained("{exported.name}")' in card and "pipeline(" not in card


@pytest.mark.slow
@pytest.mark.parametrize(
    ("base", "kind", "options"),
    [
        ("tiny_bert", "one_position", {"frozen": True, "normalize": True}),
        ("tiny_mistral", "after bos", {"frozen": True, "pooling": "last"}),
        ("tiny_mistral", "mlp", {"lora": LORA, "pooling": "last"}),
    ],
    ids=["frozen encoder, one position", "frozen decoder, after BOS", "decoder with adapters, mlp"],
)
def test_every_kind_can_be_exported(
    request, package_of, backbone_params, tmp_path, base, kind, options
):
    folder = request.getfixturevalue(base)
    slm = OnePositionSlm(
        name="one_position", backbone=backbone_params(folder), dropout=0.1, lora=LORA
    )
    classifiers = {
        "one_position": slm,
        "after bos": slm.model_copy(update={"prefix": "bos"}),
        "mlp": MlpHead(name="mlp", hidden=8, dropout=0.1),
    }
    package = package_of(folder, classifiers[kind], **options)
    export_onnx(package, tmp_path / "onnx", "float32")
    assert np.abs(sigmoids(tmp_path / "onnx") - sigmoids(package.folder)).max() < 1e-5
    assert not any("lora" in name for name in graph_constants(tmp_path / "onnx/model.onnx"))


def graph_constants(path: Path) -> list[str]:
    import onnx

    return [constant.name for constant in onnx.load(path).graph.initializer]
