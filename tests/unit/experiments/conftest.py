"""Makes the experiment's package importable: it lives outside src and is not installed."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

SAMPLERS = Path("experiments/samplers").resolve() / "sampler_comparison"


def _register(folder: Path) -> None:
    spec = spec_from_file_location(
        folder.name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    module = module_from_spec(spec)
    sys.modules[folder.name] = module
    spec.loader.exec_module(module)


_register(SAMPLERS)
