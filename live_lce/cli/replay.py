"""Run ``live-lce replay``: classify archived runs as if their scans ran now."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Annotated

import typer

from live_lce.cli import _output, _replayed
from live_lce.cli._options import ConfigOption, JsonOption, TiledOption
from live_lce.cli._query import query

if TYPE_CHECKING:
    from live_lce.archives import ArchivedRun
    from live_lce.config import Config
    from live_lce.query import RunQuery
    from live_lce.replaying import Candidates, Setup, Summary

SOURCE_HELP = (
    "File of bluesky documents (JSON lines, a JSON list, msgpack) or data, folder, pattern, "
    "address of a Tiled server or container, profile:NAME of Tiled, or databroker:NAME."
)


def replay(
    sources: Annotated[list[str], typer.Argument(help=SOURCE_HELP)],
    tiled: TiledOption = "",
    since: Annotated[
        str, typer.Option(help="Runs that started then or later: a date, time, or 7d, 12h ago.")
    ] = "",
    until: Annotated[str, typer.Option(help="Runs that started then or before.")] = "",
    uid: Annotated[
        list[str] | None, typer.Option(help="Uid of a run, or its first 8 characters or more.")
    ] = None,
    scan_id: Annotated[list[int] | None, typer.Option(help="Scan id.")] = None,
    sample: Annotated[
        str, typer.Option(help="Name of the sample, capitals aside; * stands for any text.")
    ] = "",
    absorber: Annotated[
        str, typer.Option(help="Element, as Fe or iron; runs that do not state one are included.")
    ] = "",
    plan: Annotated[str, typer.Option(help="Name of the plan, written as the sample is.")] = "",
    where: Annotated[
        list[str] | None,
        typer.Option(help="key=value of the start document; dots separate levels."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only print what the replay would do with each run.")
    ] = False,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="Number of processes.")] = 1,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help=(
                "Analyse runs again that other models or settings analysed; the new analysis "
                "supersedes the old."
            ),
        ),
    ] = False,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Replay recorded scans, and publish their predictions to Tiled.

    The predictions are those that the running scan would have had.  Runs that
    are already in Tiled are left out, so a replay that was stopped goes on where it was.  Runs
    without a spectrum are skipped.  Without a Tiled server the predictions are only printed.

    Examples
    --------
        live-lce replay scan.jsonl

        live-lce replay --tiled http://localhost:8000 backup/*.jsonl

        live-lce replay http://localhost:8000 --since 7d --absorber Fe --dry-run

        live-lce replay databroker:bmm --since 2016-01-01 --until 2026-01-01 --jobs 8

        live-lce replay --json scan.jsonl > predictions.json
    """
    from live_lce.config import load_config

    wanted = query(
        since=since, until=until, uid=uid or (), scan_id=scan_id or (), sample=sample,
        absorber=absorber, plan=plan, where=where or (), now=time.time(),
    )  # fmt: skip
    setup = _setup(load_config(config), tiled, force=force, partial_rows=json)
    listener = _replayed.Json(dry=dry_run) if json else _replayed.ReplayLines(dry=dry_run)
    fine = _Session(setup, listener).run(sources, wanted, jobs=jobs, dry=dry_run)
    if not fine:
        raise typer.Exit(_output.FAILED)


def _setup(config: Config, tiled: str, *, force: bool, partial_rows: bool) -> Setup:
    from live_lce.replaying import Setup

    address = tiled or config.tiled.uri
    if not address:
        _output.note("No Tiled server is configured: the predictions are printed, not published.")
    return Setup(
        config,
        address,
        force=force,
        partial_rows=partial_rows or not address,
        prepare=_output.quiet_logging,
    )


class _Session:
    """One replay: its runs, told to a listener and counted."""

    def __init__(self, setup: Setup, listener: _replayed.Listener) -> None:
        from live_lce.replaying import Summary

        self._setup = setup
        self._listener = listener
        self._summary: Summary = Summary()

    def run(self, sources: list[str], wanted: RunQuery, *, jobs: int, dry: bool) -> bool:
        """Replay the runs, or only plan it; return whether all went well."""
        counters: Counter[str] = Counter()
        with ExitStack() as stack:
            candidates = stack.enter_context(closing(self._candidates(sources, wanted, stack)))
            bar = stack.enter_context(_replayed.Bar(self._summary))
            if dry:
                self._plan(candidates)
            else:
                if bar.wanted() and self._setup.tiled:
                    bar.start(candidates.count())
                self._replay(candidates, jobs, counters, bar.update)
            self._summary.left_out = candidates.left_out
        return self._end(counters, dry=dry)

    def _candidates(self, sources: list[str], wanted: RunQuery, stack: ExitStack) -> Candidates:
        from live_lce.config import state_folder
        from live_lce.publish._from_config import access_from
        from live_lce.replaying import Candidates
        from live_lce.replaying._journal import Journal

        journal = None
        if self._setup.tiled:  # where nothing is published, all is printed every time
            access = access_from(self._setup.config)
            journal = stack.enter_context(closing(Journal(state_folder(), access)))
        return Candidates(sources, wanted, self._setup, journal=journal, on_problem=self._problem)

    def _plan(self, candidates: Candidates) -> None:
        for run, action in candidates:
            self._summary.planned[action] += 1
            self._listener.planned(run, action)

    def _replay(
        self,
        candidates: Candidates,
        jobs: int,
        counters: Counter[str],
        update: Callable[[], None],
    ) -> None:
        from live_lce.replaying import replayed
        from live_lce.replaying._outcome import RunStatus

        runs = self._to_analyse(candidates, update)
        with closing(replayed(self._setup, runs, jobs, counters)) as outcomes:
            for outcome in outcomes:
                for_good = outcome.ended and not outcome.malformed
                empty = outcome.status is RunStatus.NO_SPECTRUM and for_good
                candidates.done(outcome.uid, empty=empty)
                self._summary.add(outcome)
                self._listener.done(outcome)
                if outcome.problem:
                    self._listener.problem(outcome.problem)
                update()

    def _to_analyse(
        self, candidates: Candidates, update: Callable[[], None]
    ) -> Iterator[ArchivedRun]:
        """Yield the runs to analyse; count the others."""
        for run, action in candidates:
            if action.analyses:
                yield run
                continue
            self._summary.left(action)
            self._listener.planned(run, action)
            update()

    def _problem(self, text: str) -> None:
        self._summary.problems += 1
        self._listener.problem(text)

    def _end(self, counters: Counter[str], *, dry: bool) -> bool:
        from live_lce.cli._publishing import report

        publishing = bool(self._setup.tiled) and not dry
        self._listener.end(self._summary, dict(counters) if publishing else None)
        if self._setup.tiled or self._summary.left_out:
            _output.note(self._summary.said())
        published = report(counters) if publishing else True
        return published and not self._summary.failed
