"""From the configuration to a publisher, for commands that publish."""

from __future__ import annotations

from typing import TYPE_CHECKING

from live_lce.cli._output import UsageError, note

if TYPE_CHECKING:
    from live_lce.config import Config
    from live_lce.publish.publisher import TiledPublisher


def tiled_publisher(config: Config, uri: str, source: str) -> TiledPublisher:
    """Return a publisher to the Tiled server given, else to the configured one.

    Raises
    ------
    UsageError
        If there is none.
    """
    from live_lce.publish.publisher import TiledPublisher

    address = uri or config.tiled.uri
    if not address:
        raise UsageError(
            "no Tiled server: give its URI, or set tiled.uri in the configuration "
            "(LIVE_LCE_TILED__URI); `live-lce serve` starts one"
        )
    key = config.tiled.api_key
    return TiledPublisher(
        address,
        settings=config.analysis,
        spool=config.publish.spool,
        source=source,
        path=config.tiled.path,
        api_key=key.get_secret_value() if key else None,
    )


def report(counters: dict[str, int]) -> bool:
    """Say what became of the analysis runs; return whether all are in Tiled."""
    words = {
        "runs_published": "published",
        "runs_rewritten": "of these written anew",
        "runs_skipped": "there already",
        "runs_spooled": "kept on disk (send them with `live-lce republish`)",
        "errors": "errors",
    }
    said = [f"{counters[name]} {text}" for name, text in words.items() if counters.get(name)]
    note("Analysis runs: " + (", ".join(said) or "none"))
    return not counters.get("errors") and not counters.get("runs_spooled")
