"""Write the contract as a page: ``python -m tools.contract_page > docs/reference/contract.md``."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from live_lce import contract
from live_lce.contract import Column

_INTRODUCTION = f"""# What live_lce publishes

Generated from `live_lce/contract` by `python -m tools.contract_page`: do not edit.

Contract version {contract.CONTRACT_VERSION}. live_lce publishes one bluesky run for each raw run,
stream, absorber and model, in the container of analysis runs, with the Tiled spec
`{contract.SPEC_NAME}`. The run is open while the raw run is open, and you can subscribe to its
predictions. Its uid is a uuid5 of raw uid, stream, absorber, model sha256, settings hash and the
contract's major version, so the same input gives the same run.

```python
from tiled.client import from_uri
from tiled.queries import Eq, Key

runs = from_uri("http://localhost:8000", api_key="...")["processed"]
runs.search(Eq("start.original_run_uid", raw_uid))     # the analyses of a raw run
runs.search(Key("stop.live_lce.label") == "O6")        # all runs that ended as octahedral
runs[uid]["predictions"].read()                        # one row a prediction
```

Each column holds one type. Unknown physical values are NaN, never null. Rows without an answer have
`answered` = 0, an empty `label` and `confidence` = 0 (in DuckDB, NaN > 0.9 is true). After a
network error a row may be in a table twice: drop duplicates on `seq_num`. A run with `exit_status`
`abort` was cut off, or its raw run never stopped; analysing the raw run again replaces it.

A raw run can have several analyses: by a newer model (`live-lce replay --force`), because live_lce
could not process all of it at first (`live-lce retry`), or because Tiled refused to delete a
half-written one. The uid of a further `attempt` is the uuid5 of the first one's uid and
"attempt n". `supersedes` lists the uids of older analyses of the same raw run, stream and absorber.
One of them counts: among those that no complete analysis supersedes, the last complete one, or the
last one if none is complete. An analysis without a `raw_stream` only says that live_lce missed the
start of the raw run; any complete analysis replaces it."""


def reference_page() -> str:
    """Return the page, in Markdown."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield _INTRODUCTION
    yield "\n## Start document\n"
    yield from _rows(("key", "meaning"), _codes(contract.START_KEYS.items()))
    yield f"\n## Stream `{contract.PREDICTIONS_STREAM}`\n"
    yield "Each event is a prediction. Those with `final` = 1 are the last on their spectrum."
    yield "The columns `p_<class>` are those of the model's classes, here"
    yield f"{', '.join(contract.DEFAULT_CLASSES)}.\n"
    yield from _columns(contract.prediction_columns(contract.DEFAULT_CLASSES))
    yield f"\n## Stream `{contract.SPECTRA_STREAM}`\n"
    yield "Each event is a final prediction that has a normalized spectrum. The grid is in the"
    yield "descriptor's `configuration` (`live_lce`, `grid`): energies from the edge reference,"
    yield f"{contract.GRID_START:g} to {contract.GRID_STOP:g} eV in steps of"
    yield f"{contract.GRID_STEP:g} eV ({contract.GRID_SIZE} points).\n"
    yield from _columns(contract.SPECTRA_COLUMNS)
    yield f"\n## Stream `{contract.MEASURED_STREAM}`\n"
    yield "Each event holds the measured points behind a prediction, also if quality control"
    yield "rejected the spectrum. For an archived scan (`live-lce replay`), and while predictions"
    yield "are late, only final predictions have an event. If there are more than"
    yield f"{contract.MEASURED_POINTS} points, neighbours are averaged in groups. The array also"
    yield "holds what it belongs to, since Tiled's subscriptions deliver arrays and scalars"
    yield "separately and in no order: subscribe to `points` alone, and read it with"
    yield "`live_lce.results.points_of`.\n"
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
