"""A series of scans as Tiled has it: the truth from the raw runs, and what was predicted."""

from __future__ import annotations

import math
from typing import Any

from live_lce.sim.score import Judged, judged
from live_lce.sim.watch import stored_predictions


class SeriesError(ValueError):
    """A series cannot be scored; one line that says why."""


def read_series(
    source: Any,
    series_uid: str = "",
    *,
    raw: str = "raw",
    processed: str = "processed",
    api_key: str | None = None,
) -> list[Judged]:
    """Read the scans of a series, in order, each with its last prediction.

    Parameters
    ----------
    source : str or tiled container
        Address of the server, or a client of it; holds `raw` and `processed`.
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
    import httpx
    from tiled.client import from_uri
    from tiled.client.utils import ClientError
    from tiled.queries import Key

    client = source
    try:
        if isinstance(source, str):
            client = from_uri(source, api_key=api_key)
        try:
            runs, analysed = client[raw], client[processed]
        except KeyError as error:
            raise SeriesError(f"no container {error} in Tiled") from None
        uid = series_uid or _newest(runs)
        starts = [
            run.metadata["start"] for run in runs.search(Key("start.series.uid") == uid).values()
        ]
        if not starts:
            raise SeriesError(f"no runs of the series {uid!r} in {raw}/")
        starts.sort(key=lambda start: (start["series"]["index"], start["time"]))
        blind = [start["uid"] for start in starts if not start.get("truth")]
        if blind:
            raise SeriesError(
                f"run {blind[0][:8]} has no `truth`: only known samples can be scored"
            )
        return [
            judged(
                (start["time"] - starts[0]["time"]) / 60.0,
                float(start["series"].get("temperature", math.nan)),
                start["truth"],
                stored_predictions(analysed, start["uid"]),
            )
            for start in starts
        ]
    except (httpx.HTTPError, ClientError) as error:
        raise SeriesError(f"Tiled cannot be read: {error}") from None
    finally:
        if client is not None and client is not source:
            client.context.close()


def _newest(runs: Any) -> str:
    """Return the series of the newest run that is of one."""
    for run in runs.values()[::-1]:
        if uid := run.metadata["start"].get("series", {}).get("uid"):
            return str(uid)
    raise SeriesError("no run there is of a series: make one with insitu_series")
