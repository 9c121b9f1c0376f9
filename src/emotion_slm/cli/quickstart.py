"""`make quickstart`: the whole pipeline on the bundled sample corpus, in a private workspace."""

from pathlib import Path

from rich.console import Console
from rich.panel import Panel

from emotion_slm.cli.scoring import show_predictions
from emotion_slm.common import paths
from emotion_slm.common.console import fail
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import read_json
from emotion_slm.evaluation.tables import headline
from emotion_slm.scoring.plan import Options
from emotion_slm.workbench import workspace

WORKSPACE = paths.SCRATCH / "sample"
SENTENCES = (
    "Thank you so much, this made my day!",
    "I can't believe they cancelled it again. So annoying.",
    "Wait, what does that even mean?",
)


def main() -> None:
    console = Console()
    try:
        workspace.create(Path(), WORKSPACE, profile="sample")
        workspace.repro(WORKSPACE)
        numbers = read_json(WORKSPACE / paths.METRICS / "test.json")
        console.print(headline(numbers, profile="sample", protocol="pooled"))
        show_predictions(SENTENCES, Options(), WORKSPACE / paths.CLASSIFIER, None)
    except EmotionSlmError as error:
        fail(str(error))
    console.print(
        Panel(
            f"plots  {WORKSPACE / paths.PLOTS}\n"
            f"model  {WORKSPACE / paths.CLASSIFIER}\n"
            f"score  .venv/bin/emotion-slm predict --model {WORKSPACE / paths.CLASSIFIER} --text …",
            title="made from the sample corpus: it shows that everything works, not how well",
            expand=False,
        )
    )


if __name__ == "__main__":
    main()
