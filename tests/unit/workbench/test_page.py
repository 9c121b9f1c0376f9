import base64

import pytest

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.workbench.page import SHOWN, read_pictures


def test_pictures_carry_the_files_bytes(run):
    pictures = read_pictures()
    assert [picture.path.stem for picture in pictures] == list(SHOWN)
    head, content = pictures[0].data_uri().split(",")
    assert head == "data:image/png;base64"
    assert base64.b64decode(content) == pictures[0].path.read_bytes()


def test_a_missing_picture_is_named(run):
    (run / "metrics/plots/confusions.png").unlink()
    with pytest.raises(EmotionSlmError, match=r"metrics/plots/confusions.png: no such file"):
        read_pictures()


def test_every_picture_of_the_pipeline_is_shown(request):
    """A new figure is not forgotten: what dvc.yaml declares is what the report shows."""
    from ruamel.yaml import YAML

    stages = YAML(typ="safe").load(request.config.rootpath / "dvc.yaml")["stages"]
    declared = {
        path for stage in stages.values() for plot in stage.get("plots", ()) for path in plot
    }
    assert {path for path in declared if path.endswith(".png")} == {
        f"metrics/plots/{name}.png" for name in SHOWN
    }
