"""Run ``live-lce demo``: classify a simulated in-situ experiment while it runs."""

from __future__ import annotations

import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from live_lce.cli import _output
from live_lce.cli._dashboard import DashboardProcess

if TYPE_CHECKING:
    from rich.console import Console

    from live_lce.engine import Result
    from live_lce.sim._scoring import JudgedScan
    from live_lce.sim._view import FittedTable
    from live_lce.sim.experiment import Done
    from live_lce.sim.watch import Row
    from live_lce.tiled import EmbeddedTiled

INTERACTIVE_DURATION, HEADLESS_DURATION = 60.0, 20.0
_INTRODUCTION = """\
In a furnace hematite (octahedral iron, O6) reacts to a ferrite (tetrahedral
iron, T4); three standards follow. Some scans are disturbed on purpose. Each of
the 15 simulated XANES scans is classified while it grows: `at` is how far it
reaches past the edge. What you see comes back from Tiled; the truth is known.
Tiled: {address}"""
_NEXT = """
Next, with your own data:
  live-lce classify scan.xdi project.prj     files, at once
  live-lce serve                             a Tiled server that stays
  live-lce replay scan.jsonl                 recorded bluesky documents
  RE.subscribe(LiveLCE.from_config())        at the beamline; see README.md"""
_WAITING = """
Tiled server and dashboard stay until Enter or Ctrl-C; raw/ and processed/ are in
  {address}"""
_COMPARED = ("spectrum_index", "final", "status", "label", "confidence", "raw_seq_num_last")


def demo(
    headless: Annotated[
        bool,
        typer.Option(
            "--headless", help="Plain lines, no live screen, no dashboard; for logs and CI."
        ),
    ] = False,
    duration: Annotated[
        float | None,
        typer.Option(
            "--duration",
            help="Seconds over which the scans are spread; 0 is as fast as possible. "
            "[default: 60, with --headless 20]",
            min=0.0,
            show_default=False,
        ),
    ] = None,
    svg: Annotated[
        Path | None, typer.Option("--svg", help="Save the last table as a picture.", hidden=True)
    ] = None,
    figure: Annotated[
        Path | None,
        typer.Option(
            "--figure", help="Draw the reaction's true and predicted fractions: PNG, SVG or PDF."
        ),
    ] = None,
) -> None:
    """Watch a simulated in-situ experiment being classified while its scans run.

    An embedded Tiled server, ophyd devices on a real RunEngine, hematite reacting
    to a ferrite in a furnace, noise, a glitch, a paused and an aborted scan.  What
    you see comes back from Tiled by subscription.  The spectra were computed for this
    purpose; none of their materials is in the training set.

    Exit codes: 0; 1 if fewer than 80 % are right or a prediction is missing in Tiled;
    2 if something is not installed; 130 after Ctrl-C.

    Examples
    --------
        live-lce demo

        live-lce demo --headless --duration 30
    """
    from rich.console import Console

    console = Console(file=sys.stdout)  # bound: the RunEngine's own lines are kept back
    if duration is None:
        duration = HEADLESS_DURATION if headless else INTERACTIVE_DURATION
    _say(console, "Starting a Tiled server: some seconds, on a busy machine more ...")
    sys.stdout.flush()
    try:
        import ophyd

        from live_lce.tiled import EmbeddedTiled, ServerError
    except ImportError as error:
        _output.echo(f"live-lce: {error.name} is missing: pip install 'live_lce[demo]'.", err=True)
        raise typer.Exit(2) from None
    ophyd.set_cl("dummy")  # no EPICS here
    signal.signal(signal.SIGTERM, _terminated)
    try:
        with (
            tempfile.TemporaryDirectory() as spool,
            EmbeddedTiled() as server,
            _page(server, headless or svg is not None) as page,
        ):
            _say(console, _INTRODUCTION.format(address=_address(server)))
            if page is not None:
                _say(console, f"Dashboard: {page.uri or page.problem}")
            passed = _experiment(server, Path(spool), console, headless, duration, svg, figure)
            waits = not headless and svg is None and sys.stdin.isatty()
            _say(console, _NEXT)
            if waits:
                _say(console, _WAITING.format(address=_address(server)))
                sys.stdin.readline()
    except ServerError as error:
        _output.echo(f"live-lce: {error}", err=True)
        raise typer.Exit(2) from None
    except KeyboardInterrupt:
        console.print("Interrupted.")
        raise typer.Exit(130) from None
    raise typer.Exit(0 if passed else 1)


def _terminated(*_: Any) -> NoReturn:
    """Leave as Ctrl-C does: the dashboard is ended, the folders are removed."""
    raise SystemExit(128 + signal.SIGTERM)


def _address(server: EmbeddedTiled) -> str:
    return f"{server.uri}?api_key={server.api_key}"


def _page(server: EmbeddedTiled, without: bool) -> AbstractContextManager[DashboardProcess | None]:
    return nullcontext() if without else closing(DashboardProcess(server.uri, server.api_key))


def _say(console: Console, text: str) -> None:
    # The address has the key of this demo's own server, made up for it: it is to be seen.
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def _experiment(
    server: EmbeddedTiled,
    spool: Path,
    console: Console,
    headless: bool,
    duration: float,
    svg: Path | None,
    figure: Path | None,
) -> bool:
    """Run everything and report; return whether it passed."""
    from bluesky import RunEngine
    from bluesky_tiled_plugins import TiledWriter

    from live_lce.live import LiveLCE
    from live_lce.publish import TiledPublisher
    from live_lce.settings import AnalysisSettings, Pacing, Signals
    from live_lce.sim._view import Lines, LiveTable, View
    from live_lce.sim.counting import DARK_RATE
    from live_lce.sim.experiment import insitu_experiment, run_experiment
    from live_lce.sim.plans import xanes_energies
    from live_lce.sim.watch import Watcher

    signals = Signals(dark=dict.fromkeys(("I0", "It", "Ir"), DARK_RATE))
    settings = AnalysisSettings(signals=signals, pacing=Pacing(interval=10.0))
    client = server.client()
    points = [float(e) for e in xanes_energies(0.0)]
    computed: list[Result] = []
    done: list[Done] = []
    numbers = iter(range(1, 1000))

    lce = LiveLCE(
        settings,
        publisher=TiledPublisher(
            server.uri, settings=settings, spool=spool, source="RE", api_key=server.api_key
        ),
        on_result=computed.append,
        voice=False,
    )
    _say(console, "Loading models and libraries: some seconds ...\n")
    lce.wait_until_ready(60)
    live = None if headless and svg is None else LiveTable(console, points)
    view: View = Lines(console, points) if live is None else live
    watcher = Watcher(client["processed"], view.row)
    engine = RunEngine({})
    engine.subscribe(TiledWriter(client["raw"], backup_directory=str(spool / "raw")))
    engine.subscribe(lce)
    try:
        for finished in run_experiment(
            engine,
            insitu_experiment(),
            duration=duration,
            started=lambda uid, scan: view.scan(next(numbers), uid, scan),
        ):
            done.append(finished)
            lce.flush(60)  # a beamline's scans take minutes: nothing piles up there
        lce.flush(120)
        seen = watcher.wait(len(computed), 30)
    finally:
        lce.close(30)
        watcher.close()
        view.close()
    if svg is not None and live is not None:
        save_picture(live.board, svg)
    return _report(client, console, done, computed, watcher.rows, seen, figure)


def save_picture(board: FittedTable, path: Path) -> None:
    """Save the table of a run as SVG."""
    import io

    from rich.console import Console

    recorder = Console(record=True, width=100, file=io.StringIO())
    recorder.print(board)
    recorder.save_svg(str(path), title="live-lce demo")


def _report(
    client: Any,
    console: Console,
    done: Sequence[Done],
    computed: Sequence[Result],
    rows: Sequence[Row],
    seen: bool,
    figure: Path | None,
) -> bool:
    from live_lce.sim._scoring import judged, score
    from live_lce.sim._view import score_lines
    from live_lce.sim.watch import stored_predictions

    stored = {d.uid: stored_predictions(client["processed"], d.uid) for d in done}
    labels = {uid: r["label"] for uid, found in stored.items() for r in found if r["final"]}
    faults = [
        f"scan {i}: {fault}"
        for i, d in enumerate(done, 1)
        for fault in _differences(stored[d.uid], [c for c in computed if c.run.uid == d.uid])
    ]
    if not seen:
        faults.append(f"the subscriber saw {len(rows)} of {len(computed)} predictions")
    result = score(done, labels)
    series = [
        judged(d.began / 60.0, d.scan.temperature, d.scan.sample.truth, stored[d.uid])
        for d in done
        if d.scan.sample.absorber == "Fe"  # the reaction; what follows are standards
    ]
    out: list[str] = ["", *score_lines(result, done), *_fraction_lines(series)]
    if figure is not None:
        from live_lce.sim.score import draw_series

        draw_series(series, figure, "live-lce demo: hematite (O6) reacts to BaCaFe4O8 (T4)")
        out.append(f"Drawn: {figure}")
    out.append(
        f"In Tiled: {len(done)} raw runs in raw/, "
        f"{sum(len(found) for found in stored.values())} predictions in processed/"
    )
    out += [f"  fault: {fault}" for fault in faults]
    # The spectra's last prediction waits for the stop document; partial ones only for an event.
    delays = [row.delay for row in rows if not row.final]
    if delays:
        out.append(
            f"From event to subscriber: median {1000 * median(delays):.0f} ms, "
            f"longest {1000 * max(delays):.0f} ms ({len(delays)} partial)"
        )
    passed = result.passed and not faults
    out.append("PASSED" if passed else "FAILED")
    for line in out:
        _say(console, line)
    return passed


def _fraction_lines(series: Sequence[JudgedScan]) -> list[str]:
    from live_lce.sim._scoring import fraction_score

    error, *answered = str(fraction_score(series)).split("; ")
    return [f"Reaction: {error}", *(f"          {words}" for words in answered)]


def _differences(stored: Sequence[dict[str, Any]], computed: Sequence[Result]) -> list[str]:
    """Compare what Tiled holds on a raw run with what the callback computed."""
    if not any(row["final"] for row in stored):
        return ["no final prediction in Tiled"]
    expected = sorted(
        (c.spectrum_index, int(c.final), c.prediction.status.value, c.prediction.label,
         c.prediction.confidence, c.raw_seq_num_last)
        for c in computed
    )  # fmt: skip
    found = sorted(tuple(row[name] for name in _COMPARED) for row in stored)
    if found != expected:
        return [f"Tiled holds {found}, computed were {expected}"]
    return []
