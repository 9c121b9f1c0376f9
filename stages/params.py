"""params: params.yaml checked whole, and the chosen profile's settings written out for the rest."""

from emotion_slm.common import paths
from emotion_slm.common.console import stage
from emotion_slm.common.params import Document, write_run
from emotion_slm.workbench.missing_inputs import require_inputs
from emotion_slm.workbench.params_check import checked_settings


def main() -> None:
    with stage("params") as report:
        document = Document.read()
        write_run(checked_settings(document))
        require_inputs()
        report(f"profile {document.profile} → {paths.RUN}")


if __name__ == "__main__":
    main()
