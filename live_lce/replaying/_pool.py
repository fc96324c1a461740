"""Run a replay in this process or in several."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Generator, Iterable
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import Any

from live_lce._support.processes import spawning
from live_lce.archives import ArchivedRun
from live_lce.replaying._outcome import Outcome, RunStatus
from live_lce.replaying._setup import Setup

MOST_DEATHS = 3
"""Processes that may die one after the other before the replay is given up."""
_CLOSING = 60.0  # s: time for publishers to send once more what failed


class ReplayError(RuntimeError):
    """The replay cannot go on; one line with what to do."""


def replayed(
    setup: Setup, runs: Iterable[ArchivedRun], jobs: int, counters: Counter[str]
) -> Generator[Outcome]:
    """Yield what became of each run, as they are done.

    Memory stays flat: a run is taken from `runs` when a worker is free for it.

    Parameters
    ----------
    setup : Setup
        How, and where results go.
    runs : iterable of ArchivedRun
        They can be pickled if `jobs` is above 1.
    jobs : int
        Number of processes; 1 works in this one.
    counters : Counter
        Gets those of the publishers added, when all is done.

    Raises
    ------
    ReplayError
        If worker processes die one after the other.
    """
    if jobs > 1:
        yield from _in_processes(setup, runs, jobs, counters)
        return
    from live_lce.replaying._work import Worker

    worker = Worker(setup)
    try:
        for run in runs:
            yield worker(run)
    finally:
        counters.update(worker.close())


class _WorkerProcess:
    """A worker process, and the run that it works on."""

    def __init__(self, setup: Setup) -> None:
        context = spawning()
        self.connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, setup), daemon=True)
        self._process.start()
        theirs.close()  # so that its death ends the connection
        self.run: ArchivedRun | None = None

    def give(self, run: ArchivedRun) -> None:
        """Hand over a run; its outcome comes back over the connection."""
        self.run = run
        with suppress(OSError):  # it died: the connection says so when it is read
            self.connection.send(run)

    def take(self) -> Outcome | None:
        """Return the outcome of the run; None if the process died."""
        try:
            outcome: Outcome = self.connection.recv()
        except (EOFError, OSError):
            return None
        return outcome

    def tell_to_end(self) -> None:
        """Let it finish its run and close its publisher."""
        with suppress(OSError):
            self.connection.send(None)

    def end(self) -> dict[str, int]:
        """Wait for its end, and return its publisher's counters."""
        counters: Any = None
        with suppress(EOFError, OSError):
            # Where the replay was interrupted, the outcome of a run comes first.
            while not isinstance(counters, dict) and self.connection.poll(_CLOSING):
                counters = self.connection.recv()
        self.leave()
        return counters if isinstance(counters, dict) else {}

    def leave(self) -> int | None:
        """Close the connection, stop the process, return its exit code."""
        self.connection.close()
        self._process.join(5.0)
        if self._process.is_alive():
            self._process.terminate()
            self._process.join(5.0)
        return self._process.exitcode


def _in_processes(
    setup: Setup, runs: Iterable[ArchivedRun], jobs: int, counters: Counter[str]
) -> Generator[Outcome]:
    waiting = iter(runs)
    members: list[_WorkerProcess] = []
    deaths = 0
    try:
        while True:
            for member in members:
                if member.run is None and (run := next(waiting, None)) is not None:
                    member.give(run)
            # Processes are started for runs: few runs do not wait for many processes.
            while len(members) < jobs and (run := next(waiting, None)) is not None:
                members.append(_WorkerProcess(setup))
                members[-1].give(run)
            busy = {member.connection: member for member in members if member.run is not None}
            if not busy:
                return
            for ready in wait(list(busy)):
                member = busy[ready]  # type: ignore[index]
                run, outcome = member.run, member.take()
                member.run = None
                if outcome is None:
                    members.remove(member)
                    deaths += 1
                    code = member.leave()
                    if deaths >= MOST_DEATHS:
                        raise ReplayError(
                            f"{deaths} worker processes died one after the other (exit code "
                            f"{code}): replay with --jobs 1 to see why, or give them more memory"
                        )
                    outcome = _died(run, code)
                else:
                    deaths = 0
                yield outcome
    finally:
        for member in members:
            member.tell_to_end()
        for member in members:
            counters.update(member.end())


def _died(run: ArchivedRun | None, code: int | None) -> Outcome:
    assert run is not None  # noqa: S101 (a busy process has one)
    problem = (
        f"{run.where}: run {run.uid[:8]}: its worker process died (exit code {code}): "
        "replay it again with --jobs 1"
    )
    return Outcome(run.uid, run.where, RunStatus.FAILED, problem=problem)


def _serve(connection: Connection[Any, Any], setup: Setup) -> None:
    """Work in a process of its own until told to end, or until the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends us
    if setup.prepare is not None:
        setup.prepare()
    from live_lce.replaying._work import Worker

    worker = Worker(setup)
    with suppress(EOFError, OSError):
        while (run := connection.recv()) is not None:
            connection.send(worker(run))
    counters = worker.close()
    with suppress(OSError):
        connection.send(counters)
