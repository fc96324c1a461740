"""Write the contract as a page: ``python -m tools.contract_page > docs/reference/contract.md``."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from live_lce import contract
from live_lce.contract import Column

_INTRODUCTION = f"""# What live_lce publishes

Generated from `live_lce/contract` by `python -m tools.contract_page`: do not edit.

Contract version {contract.CONTRACT_VERSION}. For each raw run, stream, absorber and model there is
one bluesky run in the container of analysis runs, with the Tiled spec `{contract.SPEC_NAME}`. It is
open while the raw run is, and its predictions can be subscribed to. Its uid is a uuid5 of raw uid,
stream, absorber, model sha256, settings hash and the contract's major version: the same input
gives the same run.

```python
from tiled.client import from_uri
from tiled.queries import Eq, Key

runs = from_uri("http://localhost:8000", api_key="...")["processed"]
runs.search(Eq("start.original_run_uid", raw_uid))     # the analyses of a raw run
runs.search(Key("stop.live_lce.label") == "O6")        # all runs that ended as octahedral
runs[uid]["predictions"].read()                        # one row a prediction
```

Columns hold one type throughout. Unknown physical values are NaN, never null; non-answers have
`answered` = 0, an empty `label` and `confidence` = 0 (in DuckDB, NaN > 0.9 is true). A row may be
twice in a table after a network error: drop duplicates on `seq_num`. A run with `exit_status`
`abort` was cut off, or its raw run never stopped; it is replaced when that is analysed again.

A raw run can have several analyses: with a newer model (`live-lce replay --force`), because it
could not be processed wholly at first (`live-lce retry`), or because a half-written one could not
be deleted. A further `attempt` has the uuid5 of the first one's uid and "attempt n". `supersedes`
lists the uids of older analyses of the same raw run, stream and absorber. Of these one counts:
among those that no complete one supersedes, the last complete one, else the last
(`live_lce.tiled._analyses.counting`). One without a `raw_stream` only says that the start of the
raw run was missed: it gives way to any complete one."""


def reference_page() -> str:
    """Return the page, in Markdown."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield _INTRODUCTION
    yield "\n## Start document\n"
    yield from _rows(("key", "meaning"), _codes(contract.START_KEYS.items()))
    yield f"\n## Stream `{contract.PREDICTIONS_STREAM}`\n"
    yield "One event a prediction; those with `final` = 1 are the last word on their spectrum."
    yield "The columns `p_<class>` are those of the model's classes, here "
    yield f"{', '.join(contract.DEFAULT_CLASSES)}.\n"
    yield from _columns(contract.prediction_columns(contract.DEFAULT_CLASSES))
    yield f"\n## Stream `{contract.SPECTRA_STREAM}`\n"
    yield "One event a final prediction that has a normalized spectrum. The grid is in the"
    yield "descriptor's `configuration` (`live_lce`, `grid`): energies from the edge reference,"
    yield f"{contract.GRID_START:g} to {contract.GRID_STOP:g} eV in steps of "
    yield f"{contract.GRID_STEP:g} eV ({contract.GRID_SIZE} points).\n"
    yield from _columns(contract.SPECTRA_COLUMNS)
    yield f"\n## Stream `{contract.MEASURED_STREAM}`\n"
    yield "One event a prediction whose spectrum was built, also where the gate rejected it: the"
    yield "measured points that it rests on. Of an archived scan (`live-lce replay`), and where"
    yield "predictions come late, only final ones have one. Of more than"
    yield f"{contract.MEASURED_POINTS} points, groups of"
    yield "neighbours are averaged. The array says by itself what it belongs to, since Tiled's"
    yield "subscriptions deliver arrays and scalars apart and in no order: subscribe to `points`"
    yield "alone, and read it with `live_lce.results._points.points_of`.\n"
    yield from _columns(contract.MEASURED_COLUMNS)
    yield "\n## Stop document\n"
    yield "Its key `live_lce` holds:\n"
    yield from _rows(("key", "meaning"), _codes(contract.STOP_KEYS.items()))
    yield "\n## Classes\n"
    yield from _rows(("class", "meaning"), _codes(contract.CLASS_WORDS.items()))
    yield "\n## Status\n"
    yield from _rows(("status", "meaning"), _codes(contract.STATUS_WORDS.items()))
    yield "\n## Reasons\n"
    yield from _rows(("code", "meaning, and what to do"), _codes(contract.REASON_WORDS.items()))


def _columns(columns: Iterable[Column]) -> Iterator[str]:
    yield from _rows(
        ("column", "type", "units", "limits or choices", "meaning"),
        ((f"`{c.name}`", _type(c), c.units, _range(c), c.description) for c in columns),
    )


def _type(column: Column) -> str:
    return f"{column.dtype} of {'x'.join(map(str, column.shape))}" if column.shape else column.dtype


def _range(column: Column) -> str:
    if column.limits is not None:
        return f"{column.limits[0]:g} to {column.limits[1]:g}"
    return ", ".join(f"`{choice}`" for choice in column.choices)


def _codes(items: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    return ((f"`{key}`", words) for key, words in items)


def _rows(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield _row(head)
    yield _row(("---",) * len(head))
    for row in rows:
        yield _row(row)


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    sys.stdout.write(reference_page())
