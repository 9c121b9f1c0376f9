"""A report as files: shares.csv, alerts.json, and the rows left out."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from emotion_slm.common.files import write_bytes, write_csv, write_json
from emotion_slm.common.ranking import DECIMALS
from emotion_slm.monitor.inputs import json_lines
from emotion_slm.monitor.labelled import PoweredShare
from emotion_slm.monitor.periods import name
from emotion_slm.monitor.run import Alert, Report

SHARES, ALERTS, UNREAD, POWERED = "shares.csv", "alerts.json", "unread.jsonl", "labelled.csv"
COLUMNS = ("period", "group", "label", "texts", "counted", "mean", "corrected", "low", "high")
POWERED_COLUMNS = PoweredShare._fields


def write_tables(report: Report, powered: Sequence[PoweredShare], folder: Path) -> list[Path]:
    """Write them into `folder`; those that would be empty are removed instead, but for the first
    two."""
    write_csv(folder / SHARES, COLUMNS, share_rows(report))
    every = report.settings.every
    content = {
        "alerts": [_alert(alert, report) for alert in report.alerts],
        "changes": [
            {"label": one.label, "group": one.group, "period": name(one.period, every)}
            for one in report.changes
        ],
        "drift": [
            {
                "period": name(report.estimates.cells[one.place].period, every),
                "group": report.estimates.cells[one.place].group,
                "kinds": [drift.kind for drift in one.drifts if drift.changed],
            }
            for one in report.drifted
        ],
        "rows_left_out": len(report.unread),
    }
    write_json(folder / ALERTS, content)
    written = [folder / SHARES, folder / ALERTS]
    for filled, file in ((report.unread, UNREAD), (powered, POWERED)):
        (folder / file).unlink(missing_ok=True)
        if filled:
            written.append(folder / file)
    if report.unread:
        write_bytes(folder / UNREAD, json_lines(report.unread))
    if powered:
        write_csv(folder / POWERED, POWERED_COLUMNS, (one._asdict() for one in powered))
    return written


def share_rows(report: Report) -> Iterator[dict]:
    """The rows of shares.csv; a period without texts has none."""
    found = report.estimates
    for place, cell in enumerate(found.cells):
        for column, label in enumerate(report.labels):
            corrected = float(found.corrected[place, column])
            yield {
                "period": name(cell.period, report.settings.every),
                "group": cell.group,
                "label": label,
                "texts": int(found.texts[place]),
                "counted": float(found.counted[place, column]),
                "mean": float(found.mean[place, column]),
                "corrected": None if math.isnan(corrected) else corrected,
                "low": float(found.low[place, column]),
                "high": float(found.high[place, column]),
            }


def _alert(alert: Alert, report: Report) -> dict:
    every = report.settings.every
    return {
        "sentence": alert.sentence,
        "label": alert.label,
        "group": alert.group,
        "direction": "rose" if alert.rose else "fell",
        "first": name(alert.first, every),
        "last": name(alert.last, every),
        "periods": alert.length,
        "lasting": alert.lasting,
        "before": _share(alert.before, alert.mean_before),
        "after": _share(alert.after, alert.mean_after),
        "p_value": alert.p_value,
        "texts": alert.texts,
        "reference_texts": alert.reference_texts,
        "drift": alert.drifted,
        "fits": alert.fits,
        "doubts": alert.doubts,
        "words": [
            {**one._asdict(), "change": round(one.change, DECIMALS)}
            for one in alert.evidence.carriers
        ],
        "words_of_texts": alert.evidence.sampled,
    }


def _share(share: tuple[float, float, float], mean: float) -> dict[str, float]:
    names = ("share", "low", "high", "mean")
    values = (*share, mean)
    return {key: round(value, DECIMALS) for key, value in zip(names, values, strict=True)}
