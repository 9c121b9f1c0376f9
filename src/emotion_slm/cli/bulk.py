"""`emotion-slm predict` on many files: by a pool of processes, or on a Ray cluster."""

import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from emotion_slm.common.console import console, fail
from emotion_slm.common.errors import EmotionSlmError

if TYPE_CHECKING:
    from emotion_slm.bulk.pool import Pool
    from emotion_slm.bulk.run import Summary
    from emotion_slm.bulk.units import Job
    from emotion_slm.scoring.plan import Options

SOME_REJECTED = 3
INTERRUPTED = 130  # as shells call an end by Ctrl-C

MANY = "Many files"
EngineOption = Annotated[
    str | None,
    typer.Option(
        help="local, processes of this machine; ray, a cluster, of the extra `ray`.",
        rich_help_panel=MANY,
    ),
]
WorkersOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Processes of one thread each. Default: one for each core, of the cluster with ray.",
        rich_help_panel=MANY,
    ),
]
AddressOption = Annotated[
    str | None,
    typer.Option(
        help="Of the Ray cluster: auto, or host:port. Default: a Ray of this machine's own.",
        rich_help_panel=MANY,
    ),
]
ShardOption = Annotated[
    str | None,
    typer.Option(
        metavar="K/N",
        help="Score one of N parts of the work, K from 0 to N - 1.",
        rich_help_panel=MANY,
    ),
]
ReplaceOption = Annotated[
    bool,
    typer.Option(
        "--replace",
        help="Delete outputs of other inputs, models or options in the folder when all is scored.",
        rich_help_panel=MANY,
    ),
]
VerifyOption = Annotated[
    bool,
    typer.Option(
        "--verify",
        help="Score nothing: read inputs and outputs again and count.",
        rich_help_panel=MANY,
    ),
]


class Work(NamedTuple):
    """How the work on many files is divided; the options as they were given."""

    engine: str | None
    workers: int | None
    address: str | None
    shard: str | None
    replace: bool
    verify: bool

    def asked(self) -> bool:
        return any(value not in (None, False) for value in self)


def many(files: Sequence[str], output: str | None) -> bool:
    """Whether inputs or output ask for a folder of units rather than for one file.

    Nothing is imported for it: scoring standard input shall not wait.
    """
    out, one = output or "", files[0]
    if len(files) > 1 or out.endswith("/") or "://" in f"{out} {one}":
        return True
    glob = any(character in one for character in "*?[") and not Path(one).exists()
    return glob or Path(one).is_dir() or (out != "" and Path(out).is_dir())


def score_many(
    files: Sequence[str],
    output: str | None,
    options: "Options",
    model: Path,
    device: str | None,
    resume: bool,
    work: Work,
) -> None:
    """Score `files` into the folder `output`, or verify that; say what became of them."""
    from emotion_slm.bulk import run
    from emotion_slm.bulk.inputs import has_known_suffix
    from emotion_slm.bulk.job import prepare

    if output is None:
        more = " is a folder;" if len(files) == 1 and Path(files[0]).is_dir() else ""
        fail(f"{files[0]}:{more} many files are scored into a folder; name it with -o OUT/")
    if resume:
        fail("--resume goes with one file; a folder is always taken up where it was left")
    if "-" in files or output == "-":
        fail("standard input and output go with one file, not with a folder")
    if not output.endswith("/") and (has_known_suffix(output) or Path(output).is_file()):
        fail(f"{output}: many files are scored into a folder; name it with -o OUT/")
    shard = _shard(work.shard)
    uris, skipped, job = prepare(files, output, options, model, device)
    if skipped:
        console.print(
            f"{skipped:,} files of no known suffix are passed over; --format takes them too"
        )
    try:
        signal.signal(signal.SIGTERM, _interrupt)
        with _pool(job, work) as pool:
            if work.verify:
                _say_verified(*run.verify_files(uris, job, pool), output)
            else:
                done = run.score_files(uris, job, pool, shard, work.replace)
                _say_scored(done, output, of_a_shard=work.shard is not None)
    except KeyboardInterrupt as interrupt:
        reason = str(interrupt) or "what was scored stays; the same command goes on"
        console.print(f"interrupted: {reason}", markup=False, soft_wrap=True)
        sys.exit(INTERRUPTED)


def _pool(job: "Job", work: Work) -> "Pool":
    if work.engine in (None, "local"):
        if work.address:
            fail("--address goes with --engine ray")
        from emotion_slm.bulk.local_pool import LocalPool

        return LocalPool(job, work.workers)
    if work.engine != "ray":
        fail(f"--engine {work.engine}: unknown; known: local, ray")
    try:
        from emotion_slm.bulk.ray_pool import RayPool
    except ModuleNotFoundError as error:
        fail(f"{error.name} is not installed; install the extra `ray` of emotion-slm")
    return RayPool(job, work.workers, work.address)


def _shard(given: str | None) -> tuple[int, int]:
    if given is None:
        return 0, 1
    number, _, count = given.partition("/")
    if not (number.isdecimal() and count.isdecimal() and int(number) < int(count)):
        fail(f"--shard {given}: must be K/N with K from 0 to N - 1, as 0/4")
    return int(number), int(count)


def _say_scored(done: "Summary", output: str, of_a_shard: bool) -> None:
    """The status of a shard tells its own units alone: who runs it would start it again for rows
    that are rejected each time."""
    from emotion_slm.bulk.layout import MANIFEST

    if done.failures:
        advice = f"{len(done.failures):,} units were not scored; the same command tries them again"
        console.print(advice, markup=False, soft_wrap=True)
    if done.manifest is None:
        others = done.missing - len(done.failures)
        if others:
            typer.echo(f"{done.scored_now:,} units scored; {others:,} are left to other shards")
        sys.exit(SOME_REJECTED if done.failures else 0)
    _say_counts(done.manifest, output)
    typer.echo(f"→ {output.rstrip('/')}/{MANIFEST}")
    if done.manifest["rejected"] and not of_a_shard:
        sys.exit(SOME_REJECTED)


def _say_verified(faults: list[str], manifest: dict, output: str) -> None:
    if faults:
        raise EmotionSlmError("\n".join(faults))
    _say_counts(manifest, output)
    typer.echo("inputs, outputs and the manifest agree")


def _say_counts(manifest: dict, output: str) -> None:
    typer.echo(
        f"{len(manifest['units']):,} units: {manifest['rows']:,} rows in, "
        f"{manifest['scored']:,} scored, {manifest['rejected']:,} rejected"
    )
    if manifest["truncated"]:
        console.print(f"{manifest['truncated']:,} texts are longer than the model reads")
    if manifest["rejected"]:
        console.print(f"rejected rows → {output.rstrip('/')}/_rejected/", markup=False)


def _interrupt(*_) -> None:
    raise KeyboardInterrupt
