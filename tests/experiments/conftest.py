"""Makes the experiments' packages importable: they live outside src and are not installed."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

PACKAGES = {
    "samplers": "sampler_comparison",
    "large_batch": "large_batch",
    "attention_sink": "attention_sink",
    "published_protocol": "published_protocol",
    "ablation": "balance_ablation",
    "ingredients": "ingredients",
    "tweeteval": "tweeteval",
    "smollm2": "smollm2_screen",
}


def _register(folder: Path) -> None:
    spec = spec_from_file_location(
        folder.name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    module = module_from_spec(spec)
    sys.modules[folder.name] = module
    spec.loader.exec_module(module)


sys.path.insert(0, str(Path("experiments").resolve()))  # fill_page.py
for experiment, package in PACKAGES.items():
    _register(Path("experiments", experiment).resolve() / package)
