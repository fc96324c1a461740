"""Print results, strict JSON, and errors of one line, for all commands."""

from __future__ import annotations

import json
import logging
import math
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Column, Table

from live_lce._support.text import Cleaner, hide_keys, printable, printable_json, shown

FAILED, USAGE = 1, 2
"""Exit codes: something failed or could not be read; the command or configuration is wrong."""

EXTRAS = {
    "uvicorn": "server",
    "fastapi": "server",
    "duckdb": "server",
    "adbc_driver_duckdb": "server",
    "bokeh": "dashboard",
    "ophyd": "sim",
    "databroker": "databroker",
    "torch": "train",
    "onnx": "train",
    "onnxscript": "train",
    "pymatgen": "train",
    "skl2onnx": "train",
    "feff10": "feff",
    "nexusformat": "nexus",
}
"""Top-level modules and the extra of live_lce that brings them."""

STATUS_STYLES = {
    "ok": "green",
    "partial": "cyan",
    "abstain": "yellow",
    "rejected": "magenta",
    "failed": "red",
}


KEY_IS_SEEN = (
    "An API key on the command line can be read by everybody on this machine (ps): give it by the "
    "environment (LIVE_LCE_TILED__API_KEY) or a file"
)


class UsageError(ValueError):
    """The command cannot be carried out as given; one line with the fix."""


def debugging() -> bool:
    """Whether the user wants tracebacks."""
    return os.environ.get("LIVE_LCE_DEBUG", "").lower() not in ("", "0", "false")


class SafeConsole(Console):
    """A console whose text no terminal obeys, and that shows no keys."""

    def print(self, *objects: Any, **options: Any) -> None:
        """Print; texts as :func:`live_lce._support.text.shown` gives them."""
        super().print(*(shown(o) if isinstance(o, str) else o for o in objects), **options)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Yield what is written: of tables too."""
        for segment in super().render(renderable, options):
            text = segment.text if segment.control else printable(segment.text)
            yield segment if text == segment.text else Segment(text, segment.style)


def console() -> Console:
    """Return the console for results; wide enough for a table when piped."""
    made = SafeConsole(highlight=False)
    if not made.is_terminal and "COLUMNS" not in os.environ:
        made = SafeConsole(highlight=False, width=160)
    return made


def note(text: str) -> None:
    """Tell people something, where it does not disturb programs."""
    SafeConsole(stderr=True, highlight=False, soft_wrap=True).print(text, markup=False)


def echo(text: str, *, err: bool = False, nl: bool = True, secret: bool = False) -> None:
    """Print a line for people.

    Parameters
    ----------
    text : str
        May hold names that are other people's.
    err : bool
        Whether to standard error.
    nl : bool
        Whether a line feed follows.
    secret : bool
        Whether a key in it is meant to be seen.
    """
    typer.echo(printable(text) if secret else shown(text), err=err, nl=nl)


def table(title: str, columns: Sequence[str | Column], rows: Iterable[Sequence[str]]) -> Table:
    """Return a table; cells may hold rich's markup."""
    made = Table(*columns, title=title or None, title_justify="left", header_style="bold")
    for row in rows:
        made.add_row(*map(shown, row))
    return made


def styled(status: str) -> str:
    """Return a status in its colour."""
    style = STATUS_STYLES.get(status, "")
    return f"[{style}]{status}[/{style}]" if style else status


def label_cell(label: str, label_set: Sequence[str], reason: str) -> str:
    """Return the label; where no class was probable enough, those that remain, as a question."""
    from live_lce.contract import Reason

    if label or reason.partition(";")[0] != Reason.LOW_CONFIDENCE.value:
        return label or "-"
    return "/".join(label_set) + "?" if label_set else "-"


def number(value: float | None, digits: int = 2) -> str:
    """Return a number for people; a dash where it is unknown."""
    return "-" if value is None or not math.isfinite(value) else f"{value:.{digits}f}"


def print_json(value: Any) -> None:
    """Print strict JSON: what is not finite becomes null."""
    text = json.dumps(plain(value), indent=2, allow_nan=False, ensure_ascii=False)
    sys.stdout.write(hide_keys(printable_json(text)) + "\n")


def plain(value: Any) -> Any:
    """Return a value that strict JSON can hold."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def quiet_logging() -> None:
    """Show warnings of live_lce as one line each; tracebacks only when debugging."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter() if debugging() else _OneLine("%(message)s"))
    logger = logging.getLogger("live_lce")
    logger.handlers = [Cleaner(), handler]
    logger.setLevel(logging.DEBUG if debugging() else logging.WARNING)
    logger.propagate = False


class _OneLine(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """Return the message, with the exception's last line instead of its traceback."""
        text = " ".join(record.getMessage().split())
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            text += f" ({type(error).__name__}: {' '.join(str(error).split())})"
        return text


def die(error: BaseException) -> NoReturn:
    """Print an error on one line, and leave with its exit code."""
    from live_lce.config import ConfigError

    if debugging():
        raise error
    text = " ".join(str(error).split())
    code = USAGE if isinstance(error, (UsageError, ConfigError)) else FAILED
    if isinstance(error, ModuleNotFoundError):
        text = missing(error)
    elif not type(error).__module__.startswith("live_lce"):
        text = f"{type(error).__name__}: {text} (LIVE_LCE_DEBUG=1 shows where; please report it)"
    echo(f"live-lce: {text}", err=True)
    sys.exit(code)


def missing(error: ModuleNotFoundError) -> str:
    """Say what to install for a module that is not there."""
    name = (error.name or "").partition(".")[0]
    extra = EXTRAS.get(name, "")
    package = f"'live_lce[{extra}]'" if extra else name
    return f"needs the module {error.name}, which is not installed: pip install {package}"
