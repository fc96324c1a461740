"""Return results as pandas tables: one row per analysis run, or one per prediction."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from live_lce.contract import DEFAULT_CLASSES, PREDICTIONS_STREAM, Column, prediction_columns
from live_lce.query import Attempts, RunQuery
from live_lce.results._catalog import PublishedRun, ResultsError, find, open_runs
from live_lce.tiled import explain

if TYPE_CHECKING:
    import pandas as pd

_ARROW_FILE = "application/vnd.apache.arrow.file"

_RUN_TYPES = {
    "raw_uid": "string",
    "sample": "string",
    "scan_id": "Int64",
    "raw_stream": "string",
    "started": "datetime64[ns, UTC]",
    "time": "datetime64[ns, UTC]",
    "used": "string",
    "model": "string",
    "model_version": "string",
    "settings_hash": "string",
    "attempt": "int64",
    "complete": "bool",
    "superseded_by": "string",
}
"""Columns of a run and their types in pandas."""

_ENDED_TYPES = {
    "absorber": "string",
    "edge": "string",
    "label": "string",
    "confidence": "float64",
    "status": "string",
    "n_final": "int64",
}

_LATER = {"n_without_beam": 0}
"""Integer columns that came with a later contract, and what held before."""
_PANDAS = {"integer": "int64", "number": "float64", "string": "string"}


def analyses(
    source: Any,
    query: RunQuery | None = None,
    *,
    attempts: Attempts | None = None,
    api_key: str | None = None,
    path: str = "processed",
) -> pd.DataFrame:
    """Return one row an analysis run: what it ended as, and who made it.

    Costs one request for a hundred runs, whatever they hold.

    Parameters
    ----------
    source : str or tiled container
        Address of the server, joined with `path`; or the container of the runs.
    query : RunQuery, optional
        Which runs; all by default.
    attempts : {"latest", "all"}, optional
        Of several analyses of a spectrum the one that counts, or all; replaces the query's.
    api_key : str, optional
        Else from the address, else from ``TILED_API_KEY``.
    path : str
        Where the runs are.

    Returns
    -------
    DataFrame
        Index ``analysis_uid``, by start of the raw run.  ``started`` (raw run) and ``time``
        (analysis) are in UTC; ``superseded_by`` is the uid of the analysis that counts
        instead, empty if this one does.  ``used`` says what mu was made of.  ``label``,
        ``confidence``, ``status`` and ``n_final`` are those of the stop document.

    Raises
    ------
    ResultsError
        If the server does not answer, refuses the key, or has no such container.
    """
    import pandas as pd

    with open_runs(source, api_key=api_key, path=path) as container:
        runs = find(container, query, attempts=attempts)
    values = _run_values(runs) | {"time": _moments([run.analysis.time for run in runs])}
    values["absorber"] = [run.analysis.absorber for run in runs]
    for name in ("edge", "label", "confidence", "status", "n_final"):
        values[name] = [getattr(run, name) for run in runs]
    names = [*list(_RUN_TYPES)[:6], *_ENDED_TYPES, *list(_RUN_TYPES)[6:]]
    frame = pd.DataFrame({name: values[name] for name in names})
    frame.index = pd.Index([run.analysis.uid for run in runs], dtype="string", name="analysis_uid")
    return frame.astype(_RUN_TYPES | _ENDED_TYPES)


def predictions(
    source: Any,
    query: RunQuery | None = None,
    *,
    attempts: Attempts | None = None,
    final: bool = False,
    api_key: str | None = None,
    path: str = "processed",
) -> pd.DataFrame:
    """Return one row a prediction, with the columns of the contract.

    Costs one request a run, after those of :func:`analyses`.

    Parameters
    ----------
    source, query, attempts, api_key, path
        See :func:`analyses`.  A query's `label` and `status` choose runs by how they ended;
        all their rows are returned.
    final : bool
        Whether only the last prediction of each spectrum is wanted.

    Returns
    -------
    DataFrame
        Index ``analysis_uid`` and ``seq_num``, unique: a row that is twice in Tiled after a
        network error is here once.  The columns are those of a run (see :func:`analyses`; here
        ``time`` is the prediction's) and of the stream ``predictions``, with their types:
        integer is int64, number float64, string is pandas' string.  ``p_<class>`` is NaN where
        the model had no such class.

    Raises
    ------
    ResultsError
        If the server does not answer, refuses the key, has no such container, or holds a table
        that is none of ours.
    """
    import pandas as pd

    with open_runs(source, api_key=api_key, path=path) as container:
        runs = find(container, query, attempts=attempts)
        tables = [_read_rows(container, run) for run in runs]
    classes = dict.fromkeys(c for run in runs for c in run.classes) or DEFAULT_CLASSES
    columns = prediction_columns(tuple(classes))
    rows = _joined([_typed(t, r, columns) for t, r in zip(tables, runs, strict=True)], columns)
    repeated = pd.Series(range(len(runs))).repeat([t.num_rows for t in tables])
    of_run = pd.DataFrame(_run_values(runs)).iloc[repeated].reset_index(drop=True)
    of_run["time"] = _moments(rows.pop("time"))
    frame = pd.concat([of_run.astype(_RUN_TYPES), rows], axis=1)
    uids = pd.Series([run.analysis.uid for run in runs], dtype="string", name="analysis_uid")
    frame.index = pd.MultiIndex.from_arrays(
        [uids.iloc[repeated], frame.pop("seq_num")], names=["analysis_uid", "seq_num"]
    )
    frame = frame[~frame.index.duplicated(keep="first")]
    return frame[frame["final"] == 1] if final else frame


def rows_of(container: Any, run: PublishedRun) -> list[dict[str, Any]]:
    """Return the predictions of one run, in order and each once, as plain values by column.

    Costs one request.

    Parameters
    ----------
    container : tiled container
        Where the run is.
    run : PublishedRun
        The run.

    Raises
    ------
    ResultsError
        If they cannot be read.
    """
    columns = prediction_columns(run.classes or DEFAULT_CLASSES)
    table = _typed(_read_rows(container, run), run, columns)
    rows: list[dict[str, Any]] = [] if table is None else table.to_pylist()
    once = {row["seq_num"]: filled(row) for row in reversed(rows)}
    return [once[number] for number in sorted(once)]


def filled(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a prediction whose unknown numbers are NaN and unknown texts empty, never None.

    What reads a table from Tiled, and what hears of its rows, gives them through this.

    Parameters
    ----------
    row : mapping
        Columns of the stream ``predictions``, as Tiled gives them.
    """
    return {
        name: (_UNKNOWN.get(name, math.nan) if value is None else value)
        for name, value in row.items()
    }


_UNKNOWN = {column.name: "" for column in prediction_columns(()) if column.dtype == "string"}


def final_rows(container: Any, run: PublishedRun) -> list[dict[str, Any]]:
    """Return the final predictions of one run; otherwise as :func:`rows_of`."""
    return [row for row in rows_of(container, run) if row["final"]]


def _run_values(runs: Sequence[PublishedRun]) -> dict[str, Any]:
    """Return the columns of `_RUN_TYPES` but ``time``, as lists."""
    from_analysis = ("raw_uid", "settings_hash", "attempt", "complete", "superseded_by")
    values: dict[str, Any] = {
        name: [getattr(run.analysis, name) for run in runs] for name in from_analysis
    }
    for name in ("sample", "scan_id", "used", "model", "model_version"):
        values[name] = [getattr(run, name) for run in runs]
    values["raw_stream"] = [run.analysis.stream for run in runs]
    values["started"] = _moments([run.raw_time for run in runs])
    values["time"] = values["started"]  # replaced; keeps the order of `_RUN_TYPES`
    return {name: values[name] for name in _RUN_TYPES}


def _moments(seconds: Iterable[float]) -> Any:
    import pandas as pd

    return pd.to_datetime(pd.Series(seconds, dtype="float64"), unit="s", utc=True)


def _read_rows(container: Any, run: PublishedRun) -> Any:
    """Return the table of a run's predictions as it is in Tiled: one request."""
    import pyarrow as pa
    from tiled.client.utils import handle_error, retry_context

    before, _, node = run.link.partition("/container/full/")
    link = f"{before}/table/full/{node}/{PREDICTIONS_STREAM}/internal"
    client = container.context.http_client
    response: Any = None
    try:
        for attempt in retry_context():
            with attempt:
                response = client.get(link, headers={"Accept": _ARROW_FILE})
                if response.status_code != 404:  # a run that has just begun has no table yet
                    handle_error(response)
    except Exception as error:
        raise ResultsError(explain(error, to="read")) from error
    if response.status_code == 404:
        return pa.table({})
    return pa.ipc.open_file(pa.BufferReader(response.content)).read_all()


def _typed(table: Any, run: PublishedRun, columns: Sequence[Column]) -> Any:
    """Return the columns wanted, with their types; unknown numbers are NaN."""
    import pyarrow as pa

    if not table.num_rows:
        return None
    types = {"integer": pa.int64(), "number": pa.float64(), "string": pa.string()}
    missing = {"number": float("nan"), "string": ""}
    there = set(table.column_names)
    found = {}
    for name, kind in _wanted(columns):
        if name in there:
            found[name] = table[name].cast(types[kind])
        elif kind in missing or name in _LATER:  # a column that came with a later contract
            value = _LATER.get(name, missing.get(kind))
            found[name] = pa.array([value] * table.num_rows, types[kind])
        else:
            raise ResultsError(
                f"analysis run {run.analysis.uid} has no column {name}: its table does not follow "
                f"contract {run.contract}; publish it again with `live-lce replay --force`"
            )
    return pa.table(found)


def _wanted(columns: Sequence[Column]) -> Iterator[tuple[str, str]]:
    yield "seq_num", "integer"
    yield "time", "number"
    for column in columns:
        yield column.name, column.dtype


def _joined(tables: Sequence[Any], columns: Sequence[Column]) -> pd.DataFrame:
    import pandas as pd
    import pyarrow as pa

    there = [table for table in tables if table is not None]
    types = {name: _PANDAS[kind] for name, kind in _wanted(columns)}
    if not there:
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in types.items()})
    joined: pd.DataFrame = pa.concat_tables(there).to_pandas()
    return joined.astype(types)
