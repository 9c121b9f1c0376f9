import re
from pathlib import Path

import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML

from emotion_slm.balance.params import IsmoteParams
from emotion_slm.classifier.params import FinetuneParams, LinearHead, OnePositionSlm
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.params import PROFILE_SECTIONS, Document, write_run
from emotion_slm.corpus.params import FetchParams
from emotion_slm.encoder.params import AdaptParams, EncoderParams
from emotion_slm.training.params import AsymmetricLoss, FocalLoss
from emotion_slm.workbench.params_check import SECTIONS

REPOSITORY_PARAMS = Path(__file__).parents[3] / "params.yaml"
PROFILE_CONTENT = YAML(typ="safe").load(REPOSITORY_PARAMS)["profiles"]
PROFILES = list(PROFILE_CONTENT)


@pytest.fixture
def edited(tmp_path):
    """Function: (dotted key, value) → the repository's params with that key set; `...` removes."""

    def edit(key: str, value) -> Document:
        yaml = YAML(typ="safe", pure=True)
        content = yaml.load(REPOSITORY_PARAMS.read_text())
        *parents, last = key.split(".")
        place = content
        for part in parents:
            place = place[part]
        if value is ...:
            del place[last]
        else:
            place[last] = value
        path = tmp_path / "params.yaml"
        with path.open("w") as stream:
            yaml.dump(content, stream)
        return Document.read(path)

    return edit


@pytest.fixture
def written(tmp_path):
    """Function: text → path of a params.yaml that holds it."""

    def write(text: str | bytes) -> Path:
        path = tmp_path / "params.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def message(error: pytest.ExceptionInfo) -> str:
    return str(error.value)


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_loads_every_section(profile):
    document = Document.read(REPOSITORY_PARAMS).with_profile(profile)
    for name, model in SECTIONS.items():
        if not document.is_none(name):
            assert isinstance(document.section(name, model), model)


def test_profiles_of_the_design_are_there():
    assert {"sample", "minilm", "recipe-minilm"} <= set(PROFILES)


def test_a_chosen_profile_is_the_one_read():
    document = Document.read(REPOSITORY_PARAMS)
    assert document.profile == "minilm"
    assert document.section("fetch", FetchParams).corpus == "goemotions"
    sample = document.with_profile("sample")
    assert sample.section("fetch", FetchParams).corpus == "sample"
    assert document.profile == "minilm"


def test_skipped_stages_say_so():
    document = Document.read(REPOSITORY_PARAMS)
    assert not document.is_none("adapt")
    assert document.with_profile("recipe-minilm").is_none("adapt")
    assert not document.with_profile("recipe-minilm").is_none("encoder")


def test_named_choices_become_their_models():
    document = Document.read(REPOSITORY_PARAMS)
    assert isinstance(document.section("adapt", AdaptParams).loss, AsymmetricLoss)
    finetune = document.section("finetune", FinetuneParams)
    assert isinstance(finetune.loss, AsymmetricLoss) and isinstance(finetune.classifier, LinearHead)
    recipe = document.with_profile("recipe-minilm").section("finetune", FinetuneParams)
    assert isinstance(recipe.loss, FocalLoss) and isinstance(recipe.classifier, OnePositionSlm)


def test_section_asked_of_a_skipped_stage_is_an_error():
    document = Document.read(REPOSITORY_PARAMS).with_profile("recipe-minilm")
    with pytest.raises(EmotionSlmError, match=r"profiles\.recipe-minilm\.adapt: .*found 'none'"):
        document.section("adapt", AdaptParams)


@pytest.mark.parametrize("number", ["1e-4", "1.0e-4", "0.0001", "1E-4"])
def test_numbers_in_any_notation(written, number):
    text = REPOSITORY_PARAMS.read_text()
    edited, count = re.subn(r"learning_rate: \S+", f"learning_rate: {number}", text)
    assert count
    document = Document.read(written(edited))
    assert document.section("adapt", AdaptParams).training.learning_rate == 0.0001


# (key, value, what the message says after the file's name)
BAD = {
    "typo": (
        "profiles.minilm.adapt.training.learning_rat",
        0.1,
        r"profiles\.minilm\.adapt\.training\.learning_rat: unknown key; did you mean "
        r"'learning_rate'\?",
    ),
    "typo in the section itself": (
        "profiles.minilm.adapt.droput",
        0.1,
        r"profiles\.minilm\.adapt\.droput: unknown key; did you mean 'dropout'\?",
    ),
    "typo inside a union": (
        "profiles.minilm.adapt.loss.gama_negative",
        2,
        r"profiles\.minilm\.adapt\.loss\.gama_negative: unknown key; did you mean "
        r"'gamma_negative'\?",
    ),
    "typo of a nested model in a union": (
        "profiles.recipe-minilm.finetune.classifier.backbone.revison",
        "x",
        r"classifier\.backbone\.revison: unknown key; did you mean 'revision'\?",
    ),
    "missing key": (
        "profiles.minilm.adapt.training.epochs",
        ...,
        r"profiles\.minilm\.adapt\.training\.epochs: missing key",
    ),
    "missing key in a union": (
        "profiles.minilm.finetune.classifier",
        {"name": "mlp", "hidden": 8},
        r"profiles\.minilm\.finetune\.classifier\.dropout: missing key; .*--set-param KEY=VALUE",
    ),
    "string for a number": (
        "profiles.minilm.adapt.training.epochs",
        "three",
        r"profiles\.minilm\.adapt\.training\.epochs: .*integer, found 'three'",
    ),
    "quoted number": (
        "profiles.minilm.adapt.training.epochs",
        "3",
        r"profiles\.minilm\.adapt\.training\.epochs: .*found '3'",
    ),
    "fraction for an integer": (
        "profiles.minilm.embed.batch_size",
        1.5,
        r"profiles\.minilm\.embed\.batch_size: .*integer",
    ),
    "boolean for an integer": (
        "profiles.minilm.embed.batch_size",
        True,
        r"profiles\.minilm\.embed\.batch_size: .*found True",
    ),
    "zero batch": ("profiles.minilm.embed.batch_size", 0, r"batch_size: .*1, found 0"),
    "null section": ("profiles.minilm.embed", None, r"profiles\.minilm\.embed: .*found None"),
    "list for a section": ("profiles.minilm.embed", [32], r"profiles\.minilm\.embed: "),
    "ratios": (
        "split.ratios.train",
        0.7,
        r"split\.ratios: train \+ validation \+ test must sum to 1, they sum to 1\.1",
    ),
    "negative ratio": ("split.ratios.train", -0.6, r"split\.ratios\.train: .*found -0\.6"),
    "unknown loss": (
        "profiles.minilm.adapt.loss.name",
        "focall",
        r"profiles\.minilm\.adapt\.loss.*name: unknown name 'focall'; did you mean 'focal'\?",
    ),
    "unknown classifier": (
        "profiles.minilm.finetune.classifier.name",
        "svm",
        r"finetune\.classifier.*name: unknown name 'svm'.*linear.*mlp.*one_position",
    ),
    "unknown choice": (
        "profiles.minilm.encoder.pooling",
        "max",
        r"profiles\.minilm\.encoder\.pooling: .*'mean' or 'last', found 'max'",
    ),
    "short hash": ("profiles.minilm.encoder.sha256", "53aa", r"encoder\.sha256: .*found '53aa'"),
    "dropout of 1": ("profiles.minilm.adapt.dropout", 1, r"adapt\.dropout: .*less than 1"),
    "lora that is neither": ("profiles.minilm.adapt.lora", "yes", r"profiles\.minilm\.adapt\.lora"),
    "infinite rate": (
        "profiles.minilm.adapt.training.learning_rate",
        float("inf"),
        r"training\.learning_rate: ",
    ),
    "label both grown and excluded": (
        "profiles.minilm.ismote.target",
        {"neutral": 9},
        r"profiles\.minilm\.ismote: label 'neutral' is in `target` and in `exclude_labels`",
    ),
    "rate that is no number": (
        "profiles.minilm.adapt.training.weight_decay",
        float("nan"),
        r"training\.weight_decay: ",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_section_is_named_with_key_and_remedy(edited, case):
    key, value, expected = BAD[case]
    document = edited(key, value)
    parts = key.split(".")
    if parts[0] == "profiles":
        document, section = document.with_profile(parts[1]), parts[2]
    else:
        section = parts[0]
    with pytest.raises(EmotionSlmError) as error:
        document.section(section, SECTIONS[section])
    assert re.search(expected, message(error)), message(error)
    assert all(line.startswith(str(document.path)) for line in message(error).splitlines())


def test_loss_without_a_name_is_an_error(edited):
    document = edited("profiles.minilm.adapt.loss.name", ...)
    with pytest.raises(EmotionSlmError, match=r"profiles\.minilm\.adapt\.loss.*name"):
        document.section("adapt", AdaptParams)


def test_all_problems_are_named_at_once(written):
    text = re.sub(r"( +)epochs: \d+", r"\1epochs: 0\n\1epoch: 2", REPOSITORY_PARAMS.read_text())
    with pytest.raises(EmotionSlmError) as error:
        Document.read(written(text)).section("adapt", AdaptParams)
    lines = message(error).splitlines()
    assert len(lines) == 2
    assert any("adapt.training.epochs" in line for line in lines)
    assert any("adapt.training.epoch: unknown key" in line for line in lines)


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("profil", "x", r"profil: unknown key; did you mean 'profile'"),
        ("profiles.minilm.finetun", {}, r"profiles\.minilm\.finetun: unknown.*'finetune'"),
        ("profile", "minilmm", r"profile: no profile 'minilmm'; did you mean 'minilm'"),
        ("profile", None, r"profile: no profile None"),
        ("profile", ["minilm"], r"profile: "),
        ("profile", ..., r"profile: missing key"),
        ("seed", ..., r"seed: missing key"),
        ("seed", -1, r"seed: expected an integer ≥ 0, found -1"),
        ("seed", 1.0, r"seed: expected an integer ≥ 0, found 1\.0"),
        ("seed", True, r"seed: expected an integer ≥ 0, found True"),
        ("threads", 0, r"threads: expected an integer ≥ 1, found 0"),
        ("threads", "2", r"threads: expected an integer ≥ 1, found '2'"),
        ("profiles", {}, r"profiles: expected a mapping"),
        ("profiles", ["minilm"], r"profiles: expected a mapping"),
        ("profiles.sample", None, r"profiles\.sample: expected a mapping"),
        ("profiles.sample.embed", ..., r"profiles\.sample\.embed: missing key"),
    ],
)
def test_bad_document_is_refused_when_read(edited, key, value, expected):
    with pytest.raises(EmotionSlmError, match=expected) as error:
        edited(key, value)
    assert "params.yaml: " in message(error)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("profile: [minilm\n", "not valid YAML"),
        ("profile: a\nprofile: b\n", "not valid YAML"),
        ("a: b: c\n", "not valid YAML"),
        ("- 1\n- 2\n", "mapping at the top level"),
        ("", "mapping at the top level"),
        (b"profile: \xff\xfe\n", "not valid YAML"),
        ("profile: !!python/object/apply:os.getcwd []\n", "not valid YAML|unknown|missing"),
    ],
)
def test_files_that_are_no_params(written, text, expected):
    with pytest.raises(EmotionSlmError, match=expected):
        Document.read(written(text))


def test_missing_file_says_where_to_run(tmp_path):
    with pytest.raises(EmotionSlmError, match=r"absent\.yaml: no such file; run from the root"):
        Document.read(tmp_path / "absent.yaml")


def test_sections_are_immutable_and_hashable():
    document = Document.read(REPOSITORY_PARAMS)
    encoder = document.section("encoder", EncoderParams)
    with pytest.raises(ValidationError, match="frozen"):
        encoder.pooling = "last"
    with pytest.raises(ValidationError, match="frozen"):
        document.section("adapt", AdaptParams).training.epochs = 1
    assert hash(encoder) == hash(document.section("encoder", EncoderParams))


def test_every_profile_names_every_section():
    document = Document.read(REPOSITORY_PARAMS)
    for sections in document.profiles.values():
        assert set(sections) == set(PROFILE_SECTIONS)


@pytest.mark.parametrize("target", [7, {"grief": 7, "joy": 9}])
def test_target_is_a_number_or_one_per_label(edited, target):
    document = edited("profiles.minilm.ismote.target", target)
    assert document.section("ismote", IsmoteParams).target == target


@pytest.mark.parametrize("target", [0, -1, {"grief": 0}, {"grief": "many"}, "all", [1]])
def test_target_that_is_no_count_is_refused(edited, target):
    document = edited("profiles.minilm.ismote.target", target)
    with pytest.raises(EmotionSlmError, match=r"profiles\.minilm\.ismote\.target"):
        document.section("ismote", IsmoteParams)


@pytest.mark.parametrize("name", ["bce", "focal", "asymmetric"])
@pytest.mark.parametrize("section", ["adapt", "finetune"])
def test_another_loss_takes_its_name_alone(edited, section, name):
    loss = (
        edited(f"profiles.minilm.{section}.loss.name", name)
        .section(section, SECTIONS[section])
        .loss
    )
    assert loss.name == name
    assert type(loss).model_fields.keys() == loss.model_dump().keys()


def test_what_is_given_of_the_loss_named_is_kept(edited):
    given = {"name": "focal", "gamma": 1.5, "clip": 0.1}
    loss = edited("profiles.minilm.adapt.loss", given).section("adapt", AdaptParams).loss
    assert loss == FocalLoss(name="focal", gamma=1.5, alpha_targets=0.75, alpha_rest=0.25)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_run_has_the_settings_of_the_profile(profile, tmp_path):
    document = Document.read(REPOSITORY_PARAMS).with_profile(profile)
    write_run(document.settings, tmp_path / "run.yaml")
    run = Document.of_run(tmp_path / "run.yaml")
    assert run.settings == document.settings
    assert (run.profile, run.seed, run.threads) == (profile, document.seed, document.threads)
    for name, model in SECTIONS.items():
        assert run.is_none(name) == document.is_none(name)
        if not run.is_none(name):
            assert run.section(name, model) == document.section(name, model)


def test_a_run_names_its_profile_once_alone(tmp_path):
    """Two profiles of equal settings are equal work: DVC compares keys and values."""
    document = Document.read(REPOSITORY_PARAMS).with_profile("recipe-minilm")
    write_run(document.settings, tmp_path / "run.yaml")
    assert (tmp_path / "run.yaml").read_text().count("recipe-minilm") == 1


def test_a_run_that_lacks_a_section_is_refused(tmp_path):
    (tmp_path / "run.yaml").write_text("profile: x\nseed: 1\n")
    with pytest.raises(EmotionSlmError, match=r"run\.yaml: threads: missing key"):
        Document.of_run(tmp_path / "run.yaml")
