"""Many files scored into a folder: planned, scored where something is missing, recounted."""

import json
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from emotion_slm.bulk import layout, storage
from emotion_slm.bulk.layout import MANIFEST, Record
from emotion_slm.bulk.pool import Outcome, Pool
from emotion_slm.bulk.storage import Place, locate
from emotion_slm.bulk.units import Job, Plan, Unit, in_shard, units_of
from emotion_slm.bulk.worker import TORCH, Failure, scratch_of
from emotion_slm.common.console import console, progress
from emotion_slm.common.errors import EmotionSlmError

LISTED = 10  # of faults of one kind
READERS = 16  # of records, small files that wait for a store more than for this machine
FASTER = "scored by PyTorch; `emotion-slm export --onnx --int8` writes a model that is faster"
SAID_SECONDS = 60  # between lines of progress where there is no terminal


class Summary(NamedTuple):
    """What lies in the output folder now. `failures` say why units were not done, `missing` is how
    many are still to do, by other shards maybe; `manifest` is there when none is."""

    units: int
    scored_now: int
    failures: list[str]
    missing: int
    manifest: dict | None


def score_files(
    uris: Sequence[str],
    job: Job,
    pool: Pool,
    shard: tuple[int, int] = (0, 1),
    replace: bool = False,
) -> Summary:
    """Score the units that the output folder lacks; of them every N-th from the K-th on.

    When none is missing any more, of any shard, the manifest is written. EmotionSlmError, before
    anything is scored, for files that cannot be read or do not go together, an output folder that
    cannot be written, and one that holds something else; `replace` deletes the outputs of other
    inputs, models and options there, at the end. Whatever stops it ends the pool's workers.
    """
    out = locate(job.output)
    _check_not_strange(out, storage.list_files(out))
    _check_writable(out)
    try:
        units = plan_units(uris, job, pool)
        files = storage.list_files(out)
        foreign = _check_own(out, files, units, replace)
        done = _done(out, files, units, job)
        if foreign or len(done) < len(units):
            storage.delete(out / MANIFEST)  # what it says holds no more
        todo = [unit for unit in in_shard(units, shard) if unit.name not in done]
        failed = _score(todo, len(units), done, pool)
        if len(done) < len(units):  # other shards may have gone on meanwhile
            done = _done(out, storage.list_files(out), units, job)
        # What failed here another process may have done: who ends first clears the scratch away.
        failures = [reason for name, reason in failed.items() if name not in done]
        missing = len(units) - len(done)
        manifest = None
        if not missing:
            for name in foreign:
                storage.delete(out / name)
            manifest = layout.manifest(list(done.values()), job)
            storage.put_bytes(layout.to_json(manifest), out / MANIFEST)
            if out.local:  # nobody is at work any more: what is there, killed runs have left
                for folder in Path(out.path).glob(f"{storage.SCRATCH}*"):
                    shutil.rmtree(folder, ignore_errors=True)
        return Summary(len(units), len(todo) - len(failed), failures, missing, manifest)
    except BaseException:
        pool.end()  # who is amid a unit would make the scratch folder again
        raise
    finally:
        shutil.rmtree(scratch_of(out, job), ignore_errors=True)


def verify_files(uris: Sequence[str], job: Job, pool: Pool) -> tuple[list[str], dict]:
    """Read inputs and outputs again: what is wrong with them, and the manifest as it should be.

    Written is nothing but a manifest that was missing although all is well.
    """
    out = locate(job.output)
    units = plan_units(uris, job, pool, "plan_anew")
    files = storage.list_files(out)
    names = {unit.name for unit in units}
    faults = [f"{out.uri}/{name}: foreign" for name in sorted(_foreign(files, names))]
    present = {file.name for file in files}
    there = [unit for unit in units if layout.record_name(unit.name) in present]
    missing = len(units) - len(there)
    if missing:
        faults.append(f"{out.uri}: {missing:,} of {len(units):,} units are missing")
    records: list[Record] = []
    with _telling("recounting", len(there)) as tell:
        for outcome in pool.run("recount", there):
            if isinstance(outcome.result, Failure):
                faults.append(outcome.result.reason)
            else:
                records.append(outcome.result)
            tell(outcome)
    manifest = layout.manifest(records, job)
    if MANIFEST in present:
        found = layout.read_manifest(out)
        if not missing and found != json.loads(layout.to_json(manifest)):
            faults.append(f"{out.uri}/{MANIFEST}: says something else; delete it and verify again")
    elif not faults:
        storage.put_bytes(layout.to_json(manifest), out / MANIFEST)
    return faults, manifest


def plan_units(uris: Sequence[str], job: Job, pool: Pool, task: str = "plan") -> list[Unit]:
    """The units of all files, in order of their names; EmotionSlmError that names all bad files."""
    plans: list[Plan] = []
    faults: list[str] = []
    with _telling("looking at files", len(uris)) as tell:
        for outcome in pool.run(task, uris):
            if isinstance(outcome.result, Failure):
                faults.append(outcome.result.reason)
            else:
                plans.append(outcome.result)
            tell(outcome)
    plans.sort(key=lambda plan: plan.input.uri)
    faults += _mixed(plans)
    if faults:
        raise EmotionSlmError(_listed(faults))
    units = [unit for plan in plans for unit in units_of(plan, job)]
    if not units:
        raise EmotionSlmError(f"{uris[0]}: no rows to score, nor in the other files, if any")
    return units


def _mixed(plans: Sequence[Plan]) -> list[str]:
    """Files whose columns are not those of the first one."""
    return [
        f"{plan.input.uri}: has the columns {plan.input.layout!r}, while {plans[0].input.uri} has "
        f"{plans[0].input.layout!r}; score them to folders of their own"
        for plan in plans
        if plan.input.layout != plans[0].input.layout
    ]


def _score(todo: Sequence[Unit], units: int, done: dict[str, Record], pool: Pool) -> dict[str, str]:
    """Score units into `done`; why some were not, by their names."""
    if not todo:
        return {}
    for outcome in pool.run("load", [None]):  # a model that cannot be had fails all of them
        if isinstance(outcome.result, Failure):
            raise EmotionSlmError(outcome.result.reason)
        if outcome.result == TORCH:
            console.print(FASTER)
    failures = {}
    with _telling("scoring", len(todo)) as tell:
        try:
            for outcome in pool.run("score", todo):
                if isinstance(outcome.result, Failure):
                    reason = failures[outcome.item.name] = outcome.result.reason
                    console.print(f"not scored: {reason}", markup=False, soft_wrap=True)
                else:
                    done[outcome.result.name] = outcome.result
                tell(outcome)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(
                f"{len(done):,} of {units:,} units are done and stay; the same command goes on"
            ) from None
    return failures


def _check_writable(out: Place) -> None:
    probe = out / f"{layout.INPUTS}.writable"
    storage.put_bytes(b"", probe)
    storage.delete(probe)


def _check_own(
    out: Place, files: Sequence[storage.Found], units: Sequence[Unit], replace: bool
) -> list[str]:
    """Files of units that are no longer asked for; EmotionSlmError for them unless `replace`, and
    for data that this program did not write."""
    _check_not_strange(out, files)
    foreign = _foreign(files, {unit.name for unit in units})
    if foreign and not replace:
        stale = len({layout.unit_of(name) for name in foreign})
        raise EmotionSlmError(
            f"{out.uri}: {stale:,} units there are of other inputs, of inputs that have changed, "
            "of another model or of other options; give another folder with -o, or --replace to "
            "delete them"
        )
    return foreign


def _check_not_strange(out: Place, files: Sequence[storage.Found]) -> None:
    """EmotionSlmError for data that this program did not write; it is deleted by nobody."""
    strange = [name for name in _foreign(files, set()) if layout.unit_of(name) is None]
    if strange:
        raise EmotionSlmError(
            f"{out.uri}: holds {strange[0]}, which is no output of this command; give another "
            "folder with -o"
        )


def _foreign(files: Sequence[storage.Found], names: set[str]) -> list[str]:
    """Files that readers of the folder would take for data, or that belong to other units."""
    foreign = []
    for file in files:
        name = layout.unit_of(file.name)
        hidden = any(part.startswith(("_", ".")) for part in file.name.split("/"))
        if (name is None and not hidden) or (name is not None and name not in names):
            foreign.append(file.name)
    return foreign


def _done(
    out: Place, files: Sequence[storage.Found], units: Sequence[Unit], job: Job
) -> dict[str, Record]:
    """Records of the units whose output is there, of the size that it had."""
    sizes = {file.name: file.size for file in files}
    names = [unit.name for unit in units if layout.record_name(unit.name) in sizes]
    with ThreadPoolExecutor(READERS) as readers:
        records = readers.map(lambda name: layout.read_record(out, name), names)
        return {
            record.name: record
            for record in records
            if sizes.get(layout.part_name(record.name, job)) == record.bytes
        }


def _listed(faults: Sequence[str]) -> str:
    more = [f"and {len(faults) - LISTED:,} more"] if len(faults) > LISTED else []
    return "\n".join([*faults[:LISTED], *more])


@contextmanager
def _telling(what: str, count: int) -> Iterator[Callable[[Outcome], None]]:
    """Progress by items: a bar on a terminal, elsewhere a line a minute; the yielded function takes
    each outcome."""
    started = said = time.monotonic()
    finished = rows = 0
    with progress(what, count) as advance:

        def tell(outcome: Outcome) -> None:
            nonlocal said, finished, rows
            finished += 1
            rows += outcome.result.rows if isinstance(outcome.result, Record) else 0
            now = time.monotonic()
            rate = f"{rows / max(now - started, 1e-9):,.0f} rows/s" if rows else ""
            advance(1, rate)
            if not console.is_terminal and now - said >= SAID_SECONDS:
                said = now
                left = (now - started) / finished * (count - finished) / 60
                console.print(
                    f"{what}: {finished:,} of {count:,}, {rate or 'no rows yet'}, "
                    f"about {left:,.0f} minutes left"
                )

        yield tell
