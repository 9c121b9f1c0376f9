"""Mistral's tokenizer with its real vocabulary, beside Mistral's own implementation and without.

`make drills` installs that one into a folder of its own; processes of this test alone see it.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".scratch/mistral-common"
# None that spells a control token, as "<s>": transformers reads the token, Mistral the letters.
TEXTS = [
    "Hello, how are you?",
    "Don't panic: WE said HelloWorld 12345 times,  naïve café\n 😀!",
    "",
    "  \t two  spaces \r\n\r\n",
    "Přílišžluťoučký kůň; 他说：“你好” ١٢٣ ½",
    "a" * 300,
]
# What https://mistralai.github.io/mistral-common/usage/tokenizers gives for Small 3.1.
DOCUMENTED = [1, 22177, 1044, 2606, 1584, 1636, 1063]

MAKE = """
import json, sys
from importlib.resources import files
from pathlib import Path
from mistral_common.tokens.tokenizers.tekken import Tekkenizer
from transformers import AutoTokenizer, PreTrainedTokenizerFast

folder, texts = Path(sys.argv[1]), json.load(sys.stdin)
vocabulary = files("mistral_common") / "data/tekken_240911.json"
config = json.dumps({"model_type": "mistral3", "transformers_version": "4.50.0.dev0"})
for name in ("own", "converted"):
    (folder / name).mkdir()
    (folder / name / "config.json").write_text(config)
(folder / "own/tekken.json").write_bytes(vocabulary.read_bytes())
PreTrainedTokenizerFast.from_pretrained(folder / "own").save_pretrained(folder / "converted")
# As published for Small 3.1: the words are split by another pattern.
path = folder / "converted/tokenizer.json"
content = json.loads(path.read_text())
split, _ = content["pre_tokenizer"]["pretokenizers"]
split["pattern"] = {"Regex": r"\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+|\\s+"}
path.write_text(json.dumps(content))
(folder / "converted/tokenizer_config.json").write_text(json.dumps(
    {"tokenizer_class": "LlamaTokenizerFast", "padding_side": "left", "pad_token": None}
))
theirs = Tekkenizer.from_file(str(vocabulary))
# An Auto class takes theirs wherever tekken.json lies.
auto = AutoTokenizer.from_pretrained(folder / "own")
print(json.dumps({
    "theirs": [theirs.encode(text, bos=True, eos=False) for text in texts],
    "auto": [type(auto).__name__, auto.padding_side],
}))
"""
READ = """
import json, sys
from pathlib import Path
from transformers import AutoConfig, AutoTokenizer, PreTrainedConfig
from transformers.utils import is_mistral_common_available
from emotion_slm.backbone.tokenizer import load_tokenizer
from emotion_slm.package.tokenizer import PackagedTokenizer, Probe, probe_of, write_tokenizer

folder, (texts, probe) = Path(sys.argv[1]), json.load(sys.stdin)
package = folder / "package"
made = probe is None
if made:
    write_tokenizer(folder / "converted", package, 512)
    (package / "config.json").write_text(json.dumps({"model_type": "emotion-package"}))
    probe = probe_of(folder / "converted")
probe = Probe(probe[0], tuple(probe[1]))
found = {"mistral-common": is_mistral_common_available(), "probe": probe, "made": made}
for name in ("own", "converted") if made else ("converted",):
    ours = load_tokenizer(folder / name)
    found[name] = [ours(text)["input_ids"] for text in texts]
    found[f"{name} pads"] = [ours.padding_side, ours.pad_token_id, ours.bos_token_id]
found["packaged"] = [ids.tolist() for ids in PackagedTokenizer(package, 512, probe)(texts)]

class Config(PreTrainedConfig):
    model_type = "emotion-package"

AutoConfig.register("emotion-package", Config)
auto = AutoTokenizer.from_pretrained(package)
found["by transformers"] = [auto(text)["input_ids"] for text in texts]
found["by transformers pads"] = [auto.padding_side, auto.pad_token_id, auto.bos_token_id]
print(json.dumps(found))
"""


def run(code: str, folder: Path, sent: object, *first: Path) -> dict:
    """What a process of its own prints, which looks into `first` before this environment."""
    path = os.pathsep.join(map(str, (*first, ROOT / "src")))
    done = subprocess.run(
        [sys.executable, "-c", code, folder],
        input=json.dumps(sent),
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.drill
@pytest.mark.skipif(
    not (FOLDER / "mistral_common").is_dir(),
    reason="needs mistral-common in a folder: make .scratch/mistral-common/.installed",
)
def test_the_ids_are_mistral_s_whether_its_package_is_installed_or_not(tmp_path):
    made = run(MAKE, tmp_path, TEXTS, FOLDER)
    assert made["theirs"][0] == DOCUMENTED
    assert made["auto"] == ["MistralCommonBackend", "left"]  # what the pin is for
    beside = run(READ, tmp_path, [TEXTS, None], FOLDER)
    alone = run(READ, tmp_path, [TEXTS, beside["probe"]])
    assert (beside["mistral-common"], alone["mistral-common"]) == (True, False)
    assert beside["own"] == made["theirs"]
    for found in (beside, alone):
        for way in ("converted", "packaged", "by transformers"):
            assert found[way] == made["theirs"], way
        assert found["converted pads"] == found["by transformers pads"] == ["right", 11, 1]
