"""Make a publisher from the configuration, for commands that publish."""

from __future__ import annotations

from typing import TYPE_CHECKING

from live_lce.cli._output import UsageError, note

if TYPE_CHECKING:
    from live_lce.config import Config

_WORDS = {
    "runs_published": "published",
    "runs_rewritten": "of these written anew",
    "runs_superseding": "of these supersede earlier ones",
    "runs_resent": "failed at first and sent again",
    "runs_skipped": "there already",
    "runs_spooled": "kept on disk (send them with `live-lce republish`)",
    "runs_lost": "LOST: neither Tiled nor the disk took them (replay them)",
    "runs_not_kept": "not on disk while they went to Tiled (the spool or the disk is full)",
    "partials_not_kept": "partial predictions not on disk (the spool is nearly full)",
    "errors": "errors",
    "dead_letters": "could not be processed wholly (after an upgrade: `live-lce retry`)",
    "dead_letters_not_kept": "of these not kept whole (get them from their archive)",
}
"""Said after a counter of :mod:`live_lce.publish._publisher`, in this order."""
_BAD = ("errors", "runs_spooled", "runs_lost")


def server_address(config: Config, uri: str) -> str:
    """Return the address of the Tiled server given, else of the configured one.

    Raises
    ------
    UsageError
        If there is none.
    """
    if address := uri or config.tiled.uri:
        return address
    raise UsageError(
        "no Tiled server: give its URI, or set tiled.uri in the configuration "
        "(LIVE_LCE_TILED__URI); `live-lce serve` starts one"
    )


def report(counters: dict[str, int]) -> bool:
    """Say what became of the analysis runs; return whether all are in Tiled."""
    said = [f"{counters[name]} {text}" for name, text in _WORDS.items() if counters.get(name)]
    note("Analysis runs: " + (", ".join(said) or "none"))
    return not any(counters.get(name) for name in _BAD)
