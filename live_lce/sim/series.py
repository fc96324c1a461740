"""A series of scans as Tiled has it: the truth from the raw runs, and what was predicted."""

from __future__ import annotations

import math
from typing import Any

from live_lce.sim.score import Judged, judged
from live_lce.sim.watch import stored_predictions


class SeriesError(ValueError):
    """A series cannot be scored; one line that says why."""


def read_series(
    tiled: str,
    series_uid: str = "",
    *,
    raw: str = "raw",
    processed: str = "processed",
    api_key: str | None = None,
) -> list[Judged]:
    """Read the scans of a series, in order, each with its last prediction.

    Parameters
    ----------
    tiled : str
        Address of the server; holds `raw` and `processed`.
    series_uid : str
        As in ``start["series"]["uid"]``; by default that of the newest run that has one.
    raw, processed : str
        Names of the containers.
    api_key : str, optional
        Else from the address, else from ``TILED_API_KEY``.

    Returns
    -------
    list of Judged

    Raises
    ------
    SeriesError
        If there is no such series, its scans have no truth, or the server cannot be read.
    """
    from live_lce.results.catalog import ResultsError, open_runs

    try:
        with (
            open_runs(tiled, api_key=api_key, path=raw) as runs,
            open_runs(tiled, api_key=api_key, path=processed) as analysed,
        ):
            starts = _starts(runs, series_uid)
            return [
                judged(
                    (start["time"] - starts[0]["time"]) / 60.0,
                    float(start["series"].get("temperature", math.nan)),
                    start["truth"],
                    stored_predictions(analysed, start["uid"]),
                )
                for start in starts
            ]
    except ResultsError as error:
        raise SeriesError(str(error)) from None


def _starts(runs: Any, series_uid: str) -> list[Any]:
    from tiled.queries import Key

    uid = series_uid or _newest(runs)
    found = runs.search(Key("start.series.uid") == uid).values()
    starts = [run.metadata["start"] for run in found]
    if not starts:
        raise SeriesError(f"there are no runs of the series {uid!r}")
    blind = [start["uid"] for start in starts if not start.get("truth")]
    if blind:
        raise SeriesError(f"run {blind[0][:8]} has no `truth`: its sample is not known")
    return sorted(starts, key=lambda start: (start["series"]["index"], start["time"]))


def _newest(runs: Any) -> str:
    """Return the series of the newest run that is of one."""
    for run in runs.values()[::-1]:
        if uid := run.metadata["start"].get("series", {}).get("uid"):
            return str(uid)
    raise SeriesError("no run there is of a series: make one with insitu_series")
