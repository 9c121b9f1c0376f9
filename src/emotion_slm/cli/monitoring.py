"""Labels over time."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from emotion_slm.cli.scoring import ModelOption
from emotion_slm.common import paths
from emotion_slm.common.console import console, fail, progress
from emotion_slm.common.errors import EmotionSlmError, did_you_mean

if TYPE_CHECKING:
    from emotion_slm.monitor.estimates import Classifier
    from emotion_slm.monitor.inputs import Unread
    from emotion_slm.monitor.run import Report
    from emotion_slm.monitor.settings import Settings
    from emotion_slm.scoring.label_groups import LabelGroups

ALERTED = 4
EXPLAINED_ALERTS = 20  # the most certain ones get examples and words
PRINTED = 10
NOT_COMPARED = (
    "No period could be compared: it takes --least-texts texts, and three periods in the reference."
)


def monitor(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE…",
            help="Files that `predict` wrote, or folders of such: csv, tsv, jsonl, parquet. Files "
            "without probabilities are scored first.",
        ),
    ],
    time: Annotated[str, typer.Option(metavar="COLUMN", help="The column of times.")],
    every: Annotated[str, typer.Option(help="A period: hour, day, week or month.")] = "week",
    by: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="A column of groups: product, channel.")
    ] = None,
    text: Annotated[str, typer.Option(metavar="COLUMN", help="The column of texts.")] = "text",
    cluster: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN", help="A column by which texts belong together: author, thread."
        ),
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option(
            metavar="PERIODS",
            help="What a period is compared with: 8, so many before it, or a fixed window such as "
            "2026-01-01..2026-02-28. Default: 168 hours, 28 days, 8 weeks or 6 months before.",
        ),
    ] = None,
    labels: Annotated[
        str,
        typer.Option(
            help="Labels to watch: all, targets, a grouping of the model's, or names with commas "
            "between."
        ),
    ] = "all",
    labelled: Annotated[
        Path | None,
        typer.Option(
            help="A random sample of the same texts with the labels that people gave, in a column "
            "`human`: shares that hold whatever the classifier is worth."
        ),
    ] = None,
    least_texts: Annotated[
        int, typer.Option(min=1, help="Periods with fewer texts raise no alert.")
    ] = 100,
    zone: Annotated[
        str, typer.Option(help="Time zone in which days begin, and of times without one.")
    ] = "UTC",
    texts: Annotated[
        bool, typer.Option("--texts/--no-texts", help="Show example texts on the page.")
    ] = True,
    embeddings: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="TEXTS",
            help="Compare the embeddings of so many texts a period, which runs the model. Default: "
            "200 when files are scored first, else none.",
        ),
    ] = None,
    fail_on_alert: Annotated[
        bool,
        typer.Option("--fail-on-alert", help="Exit status 4 when a group's last period alerts."),
    ] = False,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder of page and tables.")
    ] = Path("reports/monitor"),
    device: Annotated[str | None, typer.Option(help="cpu, cuda or mps.")] = None,
    model: ModelOption = paths.CLASSIFIER,
) -> None:
    """Show how often each label occurs over time, with bands, and what changed.

    Exit status: 0, or 1 after an error, 4 with --fail-on-alert.
    """
    from emotion_slm.monitor.periods import Every
    from emotion_slm.monitor.settings import Settings, read_reference, read_zone, tomorrow

    if every not in list(Every):
        fail(f"--every {every}: unknown{did_you_mean(every, map(str, Every))}")
    try:
        settings = Settings(
            time=time,
            every=Every(every),
            by=by,
            text=text,
            cluster=cluster,
            labels=tuple(name.strip() for name in labels.split(",") if name.strip()),
            reference=read_reference(reference),
            zone=read_zone(zone),
            least_texts=least_texts,
            latest=tomorrow(),
        )
        report, written = watch(files, settings, labelled, model, device, texts, output, embeddings)
    except EmotionSlmError as error:
        fail(str(error))
    for alert in report.alerts[:PRINTED]:
        typer.echo(f"{'▲' if alert.rose else '▼'} {alert.sentence}")
    if len(report.alerts) > PRINTED:
        typer.echo(f"and {len(report.alerts) - PRINTED} more alerts")
    if not report.alerts:
        typer.echo(f"No alerts.{'' if report.compared else f' {NOT_COMPARED}'}")
    if report.unread:
        first = report.unread[0]
        console.print(
            f"{len(report.unread):,} rows left out, such as row {first.row} of {first.file}: "
            f"{first.reason}",
            markup=False,
            soft_wrap=True,
        )
    typer.echo(f"→ {', '.join(map(str, written))}")
    if fail_on_alert and any(alert.lasting for alert in report.alerts):
        sys.exit(ALERTED)


def watch(
    inputs: list[Path],
    settings: "Settings",
    labelled: Path | None,
    model: Path,
    device: str | None,
    texts: bool,
    output: Path,
    embeddings: int | None = None,
) -> tuple["Report", list[Path]]:
    """Score what is not scored, find what changed, and write page and tables into `output`."""
    import numpy as np

    from emotion_slm.common.seeds import child_seed
    from emotion_slm.monitor.embeddings import SAMPLED, embedded
    from emotion_slm.monitor.estimates import Classifier
    from emotion_slm.monitor.files import files_of
    from emotion_slm.monitor.inputs import read_scored
    from emotion_slm.monitor.labelled import powered
    from emotion_slm.monitor.run import monitor as find
    from emotion_slm.monitor.settings import to_read, watched_columns
    from emotion_slm.monitor.tables import write_tables
    from emotion_slm.package.contents import read_scores, read_thresholds
    from emotion_slm.package.package import read_package
    from emotion_slm.package.scores import ScoreHistograms
    from emotion_slm.workbench.monitor_page import write_page

    if output.exists() and not output.is_dir():
        raise EmotionSlmError(f"{output}: is a file; name a folder with -o")
    package = read_package(model)
    labels = package.corpus.labels
    columns = watched_columns(settings.labels, labels)
    places, watched = to_read(columns, labels)
    names = [labels.names[place] for place in places]
    thresholds, known = read_thresholds(package), read_scores(package)
    if isinstance(known, ScoreHistograms):  # of labels, not of groups
        single = all(len(members) == 1 for members in columns.members)
        known = known.of(*places) if single else None
    classifier = Classifier(watched, thresholds and thresholds.per_label[places], known)
    loaded = _Loaded(model, device)
    files = [loaded.scored(path, settings, names, output) for path in files_of(inputs, output)]
    scored = read_scored(files, settings, names)
    scored.unread[:0] = loaded.rejected
    shares = []
    if labelled:
        (sample,) = files_of([labelled])
        before = len(loaded.rejected)
        sample = loaded.scored(sample, settings, names, output)
        if more := loaded.rejected[before:]:
            raise EmotionSlmError(f"{labelled}: row {more[0].row}: {more[0].reason}")
        shares = powered(sample, scored, settings, watched, names, labels.names)
    if embeddings is None:
        embeddings = SAMPLED if loaded.scores and not package.onnx else 0
    found = None
    if embeddings:
        rng = np.random.default_rng(child_seed(settings.seed, "embeddings"))
        with progress("embedding", None):
            found = embedded(scored, files, settings, names, loaded.classifier, embeddings, rng)
    with progress("estimating", None):
        report = find(scored, classifier, settings, found)
    if report.alerts:
        report = _with_evidence(report, files, settings, names, classifier, columns, loaded, texts)
    page = write_page(report, shares, output, package.corpus.caption)
    return report, [page, *write_tables(report, shares, output)]


def _with_evidence(
    report: "Report",
    files: list[Path],
    settings: "Settings",
    names: list[str],
    classifier: "Classifier",
    columns: "LabelGroups",
    loaded: "_Loaded",
    texts: bool,
) -> "Report":
    """The report, its most certain alerts with the words that carry them and, if `texts`, texts."""
    import numpy as np

    from emotion_slm.common.seeds import child_seed
    from emotion_slm.monitor.examples import Evidence, carriers, collect
    from emotion_slm.monitor.run import wanted

    rng = np.random.default_rng(child_seed(settings.seed, "examples"))
    chosen = wanted(report, EXPLAINED_ALERTS)
    collected = collect(files, settings, names, classifier, chosen, rng)
    evidence = []
    with progress("explaining alerts", None):
        for alert, one, (examples, some) in zip(report.alerts, chosen, collected, strict=False):
            words = (
                carriers(some, one.label, loaded.classifier, columns) if some and alert.rose else []
            )
            evidence.append(Evidence(examples if texts else [], words, len(some)))
    evidence += [Evidence([], [], 0)] * (len(report.alerts) - len(evidence))
    pairs = zip(report.alerts, evidence, strict=True)
    return report._replace(alerts=[one._replace(evidence=more) for one, more in pairs])


class _Loaded:
    """The model, loaded when it is first needed."""

    def __init__(self, model: Path, device: str | None):
        self.model, self.device = model, device
        self.found = None
        self.targets: set[Path] = set()
        self.rejected: list[Unread] = []

    @property
    def classifier(self):
        if self.found is None:
            from emotion_slm.scoring.classifier import EmotionClassifier

            self.found = EmotionClassifier.from_pretrained(self.model, self.device)
        return self.found

    @property
    def scores(self) -> bool:
        """Whether some file had to be scored."""
        return bool(self.targets)

    def scored(self, path: Path, settings: "Settings", labels, output: Path) -> Path:
        """The file itself if it has probabilities, else where it was scored to."""
        from emotion_slm.common.files import sha256_file
        from emotion_slm.monitor.inputs import is_scored, rejected_rows
        from emotion_slm.monitor.run import scored_path
        from emotion_slm.package.config import CONFIG
        from emotion_slm.scoring.formats import input_format
        from emotion_slm.scoring.plan import Options
        from emotion_slm.scoring.run import score

        if is_scored(path, settings, labels):
            return path
        target = scored_path(output, path, str(input_format(path, None)), self.targets)
        self.targets.add(target)
        options = Options(text_column=settings.text)
        # An interrupted run is taken up, if rows, model and options are the same.
        digest = sha256_file(self.model / CONFIG)
        done = score(path, target, self.classifier, options, digest, resume=True)
        if done.rejected:
            self.rejected += rejected_rows(path, target)
        return done.output
