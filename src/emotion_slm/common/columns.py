"""What the columns of the pipeline's Parquet files hold, by name, in whichever file they occur."""

from collections.abc import Callable

KINDS = {
    "id": "text",
    "text": "text",
    "labels": "lists of text",
    "official_split": "text",
    "duplicate_group": "whole numbers",
    "group": "text",
    "time": "text",
    "row": "whole numbers",
    "synthetic": "truth values",
    "normalized": "truth values",
    "target_label": "text",
    "seed_id": "text",
    "neighbour_id": "text",
    "t": "numbers",
}
OPTIONAL = {"target_label", "seed_id", "neighbour_id", "t"}  # train rows have none


def fault(schema, frame) -> str | None:
    """What is wrong with the columns of KINDS that `frame` has; `schema`: its file's, Arrow's."""
    twice = [name for name in schema.names if schema.names.count(name) > 1]
    if twice:
        return f"column {twice[0]!r} occurs more than once"
    for name, kind in KINDS.items():
        if name not in frame.columns:
            continue
        found = schema.field(name).type
        empty = len(frame) == 0 or (name in OPTIONAL and frame[name].isna().all())
        if not (_is(kind)(found) or empty):
            return f"column {name!r} holds {found}, where {kind} belong"
        missing = frame[name].isna()
        if kind == "lists of text":
            missing = missing | frame[name].map(_has_gap)
        if name not in OPTIONAL and missing.any():
            return f"column {name!r} has no value in row {int(missing.to_numpy().argmax()) + 1}"
    return None


def _is(kind: str) -> Callable[[object], bool]:
    from pyarrow import types

    def is_text(found) -> bool:
        return types.is_string(found) or types.is_large_string(found)

    return {
        "text": is_text,
        "lists of text": lambda found: (
            types.is_list(found) and (is_text(found.value_type) or types.is_null(found.value_type))
        ),
        "whole numbers": types.is_integer,
        "numbers": types.is_floating,
        "truth values": types.is_boolean,
    }[kind]


def _has_gap(names: object) -> bool:
    return names is not None and any(name is None for name in names)
