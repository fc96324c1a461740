"""Print what ``live-lce replay`` does: lines and a bar for people, JSON for programs."""

from __future__ import annotations

import json
import sys
import tempfile
from contextlib import ExitStack
from pathlib import PurePath
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

from live_lce.cli import _output
from live_lce.cli._output import number, styled

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from live_lce.archives import ArchivedRun
    from live_lce.replaying import Summary
    from live_lce.replaying._outcome import Outcome
    from live_lce.replaying._plan import Action

_HEADER = (
    f"{'last/eV':>9} {'points':>6} {'':5} {'edge':5} {'status':8} {'label':8} {'conf.':>5}  reason"
)


class Listener(Protocol):
    """Is told what happens, run by run, and keeps none of it."""

    def planned(self, run: ArchivedRun, action: Action) -> None:
        """Take in a run that is left alone, or of a dry run."""

    def done(self, outcome: Outcome) -> None:
        """Take in a run that was analysed."""

    def problem(self, text: str) -> None:
        """Take in what went wrong, in one line."""

    def end(self, summary: Summary, counters: dict[str, int] | None) -> None:
        """Finish: the counts, and those of the publishers."""


class ReplayLines:
    """For people: each run with its predictions.

    Parameters
    ----------
    dry : bool
        Whether this is a dry run, in which runs that are left alone are told too.
    """

    def __init__(self, *, dry: bool) -> None:
        self._dry = dry
        self._console = _output.console()

    def planned(self, run: ArchivedRun, action: Action) -> None:
        """Print what is done with a run."""
        from live_lce.replaying._plan import ACTION_WORDS

        if self._dry:
            head = _head(run.where, run.uid, str(run.start.get("scan_id", "")))
            self._console.print(f"{head} {ACTION_WORDS[action]}", soft_wrap=True)

    def done(self, outcome: Outcome) -> None:
        """Print the predictions of a run."""
        from live_lce.replaying._outcome import RunStatus

        if outcome.status is RunStatus.FAILED:
            return  # its problem is told
        head = _head(outcome.where, outcome.uid, outcome.scan)
        if outcome.rows:
            used = dict.fromkeys(row["used"] for row in outcome.rows if row["used"])
            said = "".join(f"{words}\n" for words in used).replace("[", "\\[")
            self._console.print(f"\n[bold]{head}[/bold]\n{said}{_HEADER}")
            for row in outcome.rows:
                self._console.print(_line(row), soft_wrap=True)
            return
        running = outcome.status is RunStatus.RUNNING
        words = "Still running: left alone." if running else "No spectrum: left alone."
        self._console.print(f"\n[bold]{head}[/bold]\n{words}")

    def problem(self, text: str) -> None:
        """Say what went wrong."""
        _output.note(f"live-lce: {text}")

    def end(self, summary: Summary, counters: dict[str, int] | None) -> None:
        """Print what the codes in the lines mean, each once."""
        if summary.reasons:
            self._console.print()
        for line in summary.reasons.lines():
            self._console.print(line, markup=False, soft_wrap=True)


class Json:
    """For programs: one JSON object, written while runs are done.

    Predictions go out at once.  What comes after them in the object waits in temporary
    files: memory stays flat for any number of runs.

    Parameters
    ----------
    dry : bool
        Whether this is a dry run: the object's list is then `runs_planned`.
    """

    def __init__(self, *, dry: bool) -> None:
        self._first = "runs_planned" if dry else "predictions"
        self._dry = dry
        self._waiting = {name: _SpooledTexts() for name in ("left_alone", "problems")}
        sys.stdout.write("{" + json.dumps(self._first) + ": [")
        self._separator = "\n"

    def planned(self, run: ArchivedRun, action: Action) -> None:
        """Take in what is done with a run."""
        from live_lce.replaying._plan import Action

        if self._dry:
            start = run.start
            time = start.get("time")
            row = {"uid": run.uid, "scan_id": start.get("scan_id"), "time": time}
            self._write(row | {"where": run.where, "action": action.value})
        elif action is Action.LEAVE_EMPTY:
            self._waiting["left_alone"].add(run.uid)

    def done(self, outcome: Outcome) -> None:
        """Write the predictions of a run."""
        from live_lce.replaying._outcome import RunStatus

        for row in outcome.rows:
            self._write(row)
        if outcome.status is RunStatus.NO_SPECTRUM:
            self._waiting["left_alone"].add(outcome.uid)

    def problem(self, text: str) -> None:
        """Take in what went wrong."""
        self._waiting["problems"].add(text)
        _output.note(f"live-lce: {text}")

    def end(self, summary: Summary, counters: dict[str, int] | None) -> None:
        """Write the rest of the object."""
        sys.stdout.write("]")
        for name, waiting in self._waiting.items():
            sys.stdout.write(f",\n{json.dumps(name)}: ")
            waiting.write_out()
        counts = {
            "runs": summary.as_json(),
            "malformed": summary.malformed,
            "left_out": dict(summary.left_out),
            "published": counters,
        }
        for key, value in counts.items():
            sys.stdout.write(f",\n{json.dumps(key)}: {_strict(value)}")
        sys.stdout.write("}\n")

    def _write(self, value: Any) -> None:
        sys.stdout.write(self._separator + _strict(value))
        self._separator = ",\n"


class _SpooledTexts:
    """A list of texts, to be written out later; beyond 1 MB it is a temporary file."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(1_000_000, mode="w+", encoding="utf-8")  # noqa: SIM115

    def add(self, text: str) -> None:
        self._file.write(json.dumps(text) + "\n")

    def write_out(self) -> None:
        """Write the list to standard output, and forget it."""
        self._file.seek(0)
        separator = "["
        for line in self._file:
            sys.stdout.write(separator + line.rstrip("\n"))
            separator = ",\n"
        sys.stdout.write("[]" if separator == "[" else "]")
        self._file.close()


class Bar:
    """A progress bar with a count per status, on standard error, where that is a terminal.

    Parameters
    ----------
    summary : Summary
        Counts the runs.
    """

    def __init__(self, summary: Summary) -> None:
        self._summary = summary
        self._stack = ExitStack()
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    @staticmethod
    def wanted() -> bool:
        """Whether there is a terminal to show it in."""
        return sys.stderr.isatty()

    def __enter__(self) -> Self:
        return self

    def start(self, total: int | None) -> None:
        """Show the bar; `total` is the number of runs, None if that is not known."""
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        columns = (BarColumn(None), MofNCompleteColumn(), TimeElapsedColumn())
        words = TextColumn("{task.description}", markup=False)
        progress = Progress(
            *columns,
            TimeRemainingColumn(),
            words,
            console=Console(stderr=True),
            # Only where both are one terminal may the bar catch what is printed.
            redirect_stdout=sys.stdout.isatty(),
        )
        self._progress = self._stack.enter_context(progress)
        self._task = progress.add_task("", total=total)

    def update(self) -> None:
        """Show the counts as they are now."""
        if self._progress is not None and self._task is not None:
            counts = self._summary.runs
            words = ", ".join(f"{n} {s.value.replace('_', ' ')}" for s, n in counts.items())
            self._progress.update(self._task, completed=sum(counts.values()), description=words)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()


def _strict(value: Any) -> str:
    return json.dumps(_output.plain(value), allow_nan=False, ensure_ascii=False)


def _head(where: str, uid: str, scan: str) -> str:
    said = f", scan {scan}" if scan else ""
    return f"{PurePath(where).name}{said}, run {uid[:8]}".replace("[", "\\[")


def _line(row: dict[str, Any]) -> str:
    from live_lce.contract import Reason

    status = styled(row["status"]) + " " * (8 - len(row["status"]))
    edge = f"{row['absorber']} {row['edge']}".strip() or "-"
    confidence = number(row["confidence"]) if row["label"] else "-"
    codes = [c for c in row["reason"].split(";") if c and c != Reason.SCAN_RUNNING.value]
    return (
        f"{number(row['last_energy'], 1):>9} {row['n_points']:>6} "
        f"{'final' if row['final'] else '':5} {edge:5} {status} "
        f"{_output.label_cell(row['label'], row['label_set'], row['reason']):8} "
        f"{confidence:>5}  {', '.join(codes)}"
    )
