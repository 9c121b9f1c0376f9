"""An encoder that starts from a packaged model: what is taken, what is kept, what is refused."""

import shutil
from contextlib import chdir
from pathlib import Path

import pytest
import torch
from support.labels import GOEMOTIONS
from support.packages import create_package

from emotion_slm.backbone.params import LoraParams
from emotion_slm.backbone.pretrained import locate
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import read_json, sha256_file, write_json
from emotion_slm.encoder.adapt import initial
from emotion_slm.encoder.adapted import load_encoder
from emotion_slm.encoder.params import AdaptParams, StartParams
from emotion_slm.encoder.start import CONFIG, ENCODER, STARTS, described, keep
from emotion_slm.encoder.text_classifier import Tokenizer
from emotion_slm.package.package import read_package


@pytest.fixture(scope="module")
def packaged_once(tmp_path_factory, tiny_bert, encoder_params) -> Path:
    return create_package(tmp_path_factory.mktemp("start"), encoder_params(tiny_bert))


@pytest.fixture
def encoder(tmp_path, packaged_once, tiny_bert, encoder_params):
    """Parameters that start from tmp_path/model, in the working directory tmp_path."""
    shutil.copytree(packaged_once, tmp_path / "model")
    start = StartParams(package="model", sha256=sha256_file(tmp_path / "model" / CONFIG))
    with chdir(tmp_path):
        yield encoder_params(tiny_bert).model_copy(update={"start": start})


def adapt_params() -> AdaptParams:
    training = {
        "epochs": 1, "batch_size": 8, "learning_rate": 1e-3, "schedule": "linear",
        "warmup_ratio": 0.0, "weight_decay": 0.0, "precision": "float32", "selection": "map",
    }  # fmt: skip
    loss = {"name": "bce"}
    return AdaptParams(lora="none", head="random", dropout=0.0, loss=loss, training=training)


def test_training_begins_with_the_package_s_encoder(encoder):
    tokenizer = Tokenizer(locate(encoder), encoder.max_length)
    found = initial(encoder, adapt_params(), GOEMOTIONS, tokenizer, 0).backbone.state_dict()
    package = read_package(Path("model"))
    expected = load_encoder(encoder, package.adapted, Path("model") / ENCODER).backbone.state_dict()
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    plain = encoder.model_copy(update={"start": None})
    base = initial(plain, adapt_params(), GOEMOTIONS, tokenizer, 0).backbone.state_dict()
    assert any(not torch.equal(found[name], base[name]) for name in base)


def test_a_model_that_the_run_makes_anew_is_still_what_it_began_with(encoder):
    kept = keep(encoder)
    assert kept.parent == STARTS
    shutil.rmtree("model")
    Path("model").mkdir()
    write_json(Path("model") / CONFIG, {"made": "anew"})
    assert keep(encoder) == kept


def test_what_it_was_made_of_is_told(encoder):
    assert (described(encoder).profile, described(encoder).corpus) == ("tiny", "sample")
    assert "start" not in encoder.model_dump()  # packages and vectors do not depend on it


def test_another_model_than_the_pinned_one_is_refused(encoder):
    write_json(Path("model") / CONFIG, read_json(Path("model") / CONFIG) | {"width": 31})
    with pytest.raises(EmotionSlmError, match="pins another model: expected SHA-256"):
        keep(encoder)


def test_without_a_pin_the_hash_is_told(encoder):
    start = encoder.start.model_copy(update={"sha256": None})
    with pytest.raises(EmotionSlmError, match=encoder.start.sha256):
        keep(encoder.model_copy(update={"start": start}))


def test_without_a_package_the_way_to_one_is_told(encoder):
    shutil.rmtree("model")
    with pytest.raises(EmotionSlmError, match="`emotion-slm pull -o FOLDER`"):
        keep(encoder)


def test_an_altered_copy_is_refused(encoder):
    path = keep(encoder) / ENCODER
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(EmotionSlmError, match="altered"):
        keep(encoder)


def test_a_model_of_another_base_is_refused(encoder):
    other = encoder.model_copy(update={"sha256": "ab" * 32})
    with pytest.raises(EmotionSlmError, match="give both the same base"):
        keep(other)


@pytest.mark.parametrize(
    ("kind", "reason"), [("frozen", "no package with an encoder of its own"), ("lora", "adapters")]
)
def test_an_encoder_that_is_not_whole_is_refused(kind, reason, tmp_path, tiny_bert, encoder_params):
    lora = LoraParams(r=2, alpha=4, dropout=0.0) if kind == "lora" else None
    params = encoder_params(tiny_bert)
    folder = create_package(tmp_path, params, frozen=kind == "frozen", lora=lora)
    start = StartParams(package=str(folder), sha256=sha256_file(folder / CONFIG))
    with chdir(tmp_path), pytest.raises(EmotionSlmError, match=reason):
        keep(params.model_copy(update={"start": start}))
