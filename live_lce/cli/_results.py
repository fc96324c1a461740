"""Share the options of ``results`` and ``export``: the query and the place of the results."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from live_lce.cli._output import UsageError
from live_lce.cli._query import moment

if TYPE_CHECKING:
    from live_lce.query import Attempts, RunQuery

UidsArgument = Annotated[
    list[str] | None,
    typer.Argument(help="Uids of raw runs or of analysis runs, or their first 8 characters."),
]
SinceOption = Annotated[
    str, typer.Option(help="Raw runs that started then or later: a date, time, or 7d, 12h ago.")
]
UntilOption = Annotated[str, typer.Option(help="Raw runs that started then or before.")]
SampleOption = Annotated[
    str, typer.Option(help="Name of the sample, capitals aside; * stands for any text.")
]
AbsorberOption = Annotated[str, typer.Option(help="Element, as Fe or iron.")]
LabelOption = Annotated[str, typer.Option(help="Last label of the run, e.g. O6.")]
StatusOption = Annotated[str, typer.Option(help="Last status of the run, e.g. abstain.")]
AllOption = Annotated[
    bool,
    typer.Option("--all", help="Include all analyses of a spectrum, not only the one that counts."),
]


@dataclass(frozen=True)
class Wanted:
    """Which results, and where they are.

    Parameters
    ----------
    query : RunQuery
        Which runs.
    attempts : {"latest", "all"}
        Which of several analyses of a spectrum.
    uri, path : str
        Address of the server, and of the container in it.
    api_key : str or None
        None: from the address, or from ``TILED_API_KEY``.
    """

    query: RunQuery
    attempts: Attempts
    uri: str
    path: str
    api_key: str | None


def wanted(
    *,
    uids: Sequence[str],
    since: str,
    until: str,
    sample: str,
    absorber: str,
    label: str,
    status: str,
    everything: bool,
    tiled: str,
    config: Path | None,
) -> Wanted:
    """Return what the options of a command stand for.

    Raises
    ------
    UsageError
        If one of them cannot be, or no server is known.
    ConfigError
        If the configuration cannot be used.
    """
    from live_lce.config import load_config
    from live_lce.query import RunQuery
    from live_lce.results import QueryError

    now = time.time()
    try:
        query = RunQuery(
            since=moment(since, "--since", now=now),
            until=moment(until, "--until", now=now, end=True),
            uids=tuple(uids),
            sample=sample,
            absorber=absorber,
            label=label,
            status=status,
        )
    except QueryError as error:
        raise UsageError(str(error)) from None
    settings = load_config(config)
    address = tiled or settings.tiled.uri
    if not address:
        raise UsageError(
            "no Tiled server: give --tiled, or set tiled.uri in the configuration "
            "(LIVE_LCE_TILED__URI)"
        )
    return Wanted(
        query,
        "all" if everything else "latest",
        address,
        settings.tiled.path,
        settings.key_for(tiled),
    )
