"""Score a series of scans that is in Tiled, and draw it: ``python -m live_lce.sim.score TILED``.

The truth comes from the raw runs, the predictions from the analysis runs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from live_lce.contract import DEFAULT_CLASSES
from live_lce.results._presentation import LOOKS
from live_lce.sim._scoring import JudgedScan, fraction_score, judged
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
) -> list[JudgedScan]:
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
    list of JudgedScan

    Raises
    ------
    SeriesError
        If there is no such series, its scans have no truth, or the server cannot be read.
    """
    from live_lce.results import ResultsError, open_runs

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


def draw_series(scans: Sequence[JudgedScan], path: Path, title: str = "") -> None:
    """Draw truth (lines) and prediction (markers, open where not answered) of each scan.

    Parameters
    ----------
    scans : sequence of JudgedScan
        In order.
    path : Path
        PNG, SVG or PDF, by its ending.
    title : str
        Above the figure.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 4.0), dpi=130, layout="constrained")
    axes: Any = figure.add_subplot()
    minutes = [one.minutes for one in scans]
    for label in DEFAULT_CLASSES:
        look = LOOKS[label]
        colour, dash = look.colour, (0, look.dash) if look.dash else "-"
        truth = [one.truth.get(label, 0.0) for one in scans]
        axes.plot(minutes, truth, color=colour, ls=dash, lw=1.8, label=f"{label}, true")
        for answered, face in ((True, colour), (False, "white")):
            points = [(o.minutes, o.predicted[label]) for o in scans
                      if o.answered == answered and label in o.predicted]  # fmt: skip
            if points:
                said = "predicted" if answered else "not answered"
                axes.plot(*zip(*points, strict=True), look.marker, ms=6, mec=colour, mfc=face,
                          clip_on=False, zorder=3, label=f"{label}, {said}")  # fmt: skip
    axes.set(xlabel="beam time / min", ylabel="fraction of the absorbing atoms", ylim=(0, 1))
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title("\n".join(filter(None, (title, str(fraction_score(scans))))), fontsize=9)
    _temperatures(axes, scans)
    axes.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    figure.savefig(path)


def _temperatures(axes: Any, scans: Sequence[JudgedScan]) -> None:
    """Say the temperatures on top, if they change."""
    if len({one.temperature for one in scans if math.isfinite(one.temperature)}) < 2:
        return
    top = axes.secondary_xaxis("top")
    some = scans[:: max(1, len(scans) // 6)]
    top.set_xticks([one.minutes for one in some], [f"{one.temperature:.0f}" for one in some])
    top.set_xlabel("temperature / °C")


def main() -> None:
    """Score a series of :func:`live_lce.sim.plans.insitu_series` that is in Tiled."""
    import argparse

    parser = argparse.ArgumentParser(prog="python -m live_lce.sim.score", description=main.__doc__)
    parser.add_argument("tiled", help="address of the server, with ?api_key=...")
    parser.add_argument("--series", default="", help="uid of the series; by default the newest")
    parser.add_argument("--figure", type=Path, help="draw truth and prediction into this file")
    given = parser.parse_args()
    try:
        scans = read_series(given.tiled, given.series)
        print(fraction_score(scans))  # noqa: T201
        if given.figure:
            draw_series(scans, given.figure)
            print(f"drawn: {given.figure}")  # noqa: T201
    except SeriesError as error:
        parser.exit(1, f"live_lce: {error}\n")


if __name__ == "__main__":
    main()
