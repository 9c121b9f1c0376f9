"""`python -m support.predict_stubbed predict …`: the command line, a stub in the model's place.

Nothing of torch is loaded, so that a process of its own is cheap.
"""

import sys
from types import ModuleType

from emotion_slm.cli.app import app
from emotion_slm.package import package
from support.scorer import StubScorer


class Stub(StubScorer):
    @classmethod
    def from_pretrained(cls, folder, device=None) -> "Stub":
        return cls()


module = ModuleType("emotion_slm.scoring.classifier")
module.EmotionClassifier = Stub
sys.modules[module.__name__] = module
package.read_labels = lambda folder: Stub().labels

if __name__ == "__main__":
    app()
