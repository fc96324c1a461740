"""Make a publisher and its dead letters from the configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from live_lce._support.private_files import Access
from live_lce.publish._dead_letter import DeadLetters
from live_lce.publish._publisher import SpoolPublisher, TiledPublisher
from live_lce.tiled._analyses import Again

if TYPE_CHECKING:
    from live_lce.config import Config


def publisher_from(
    config: Config,
    source: str,
    *,
    tiled: str = "",
    again: Again = Again.NO,
    growing: bool = True,
) -> SpoolPublisher:
    """Return a publisher to Tiled; to the spool only, where no server is known.

    Parameters
    ----------
    config : Config
        Settings, the spool and its limit, the server and its API key.
    source : str
        Where the raw documents come from, e.g. ``RE`` or ``replay``.
    tiled : str
        Address of the server, instead of the configured one.
    again : Again
        What happens where a raw run is analysed already.
    growing : bool
        Whether the measured points of partial predictions are published.
    """
    analysis, publish = config.analysis, config.publish
    address = tiled or config.tiled.uri
    if not address:
        return SpoolPublisher(
            publish.spool,
            settings=analysis,
            source=source,
            limit=publish.spool_limit,
            again=again,
            growing=growing,
            access=access_from(config),
        )
    return TiledPublisher(
        address,
        settings=analysis,
        spool=publish.spool,
        source=source,
        path=config.tiled.path,
        api_key=config.key_for(tiled),
        limit=publish.spool_limit,
        again=again,
        growing=growing,
        access=access_from(config),
    )


def dead_letters_from(config: Config) -> DeadLetters:
    """Return where runs are kept that cannot be processed wholly."""
    publish = config.publish
    return DeadLetters(publish.dead_letter, publish.dead_letter_limit, access=access_from(config))


def access_from(config: Config) -> Access:
    """Return who may read what is kept on disk."""
    return Access(config.publish.group)
