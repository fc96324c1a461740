"""Find and open a catalog of runs in Tiled."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from typing import Any

from live_lce.archives._archive import ArchiveError
from live_lce.tiled import Connection
from live_lce.tiled._connection import find_child, split_key

_CATALOG = "CatalogOfBlueskyRuns"
_RAW = "raw"
_PROFILE = "profile:"


class TiledSource:
    """A catalog of runs, connected when it is first asked for.

    Can be pickled: the connection stays behind; where it arrives, one is made for all.

    Parameters
    ----------
    address : str
        ``http://...`` of a server or container, or ``profile:NAME``.
    api_key : str, optional
        Else from the address, else from ``TILED_API_KEY``.

    Attributes
    ----------
    name : str
        The address without the key.
    exports : bool
        False once the server said that it exports no documents.
    """

    def __init__(self, address: str, *, api_key: str | None = None) -> None:
        self.exports = True
        self._catalog: Any = None
        self._connection: Connection | None = None
        self._context: Any = None  # of a profile
        if address.startswith(_PROFILE):
            self.name, self._api_key = address, api_key
        else:
            self.name, key = split_key(address)
            self._api_key = api_key or key

    def __reduce__(self) -> tuple[Any, ...]:
        return shared_source, (self.name, self._api_key)

    def another(self) -> TiledSource:
        """Return a second connection to the same place."""
        return TiledSource(self.name, api_key=self._api_key)

    def catalog(self) -> Any:
        """Return the client of the catalog.

        Raises
        ------
        ArchiveError
            If there is no such profile, or no catalog of runs.
        Exception
            What Tiled's client raises.
        """
        if self._catalog is None:
            self._catalog = find_catalog(self._container(), self.name)
        return self._catalog

    def run(self, key: str) -> Any:
        """Return the client of a run, None if there is none; raises as `catalog` does."""
        return find_child(self.catalog(), key)

    def drop(self) -> None:
        """Forget the connection after a failure; the next call makes a new one."""
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._catalog = None
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._context is not None:
            self._context.close()
            self._context = None

    def _container(self) -> Any:
        if self.name.startswith(_PROFILE):
            client = _from_profile(self.name.removeprefix(_PROFILE), self._api_key)
            self._context = client.context
            return client
        self._connection = Connection(self.name, api_key=self._api_key)
        return self._connection.container()


@cache
def shared_source(address: str, api_key: str | None) -> TiledSource:
    """Return the one source of this address in this process."""
    return TiledSource(address, api_key=api_key)


def find_catalog(container: Any, name: str) -> Any:
    """Return the catalog of raw runs that a container is, or holds.

    Parameters
    ----------
    container : tiled container
        A catalog of runs, or what lies above: then its child ``raw``, or its only catalog.
    name : str
        What the source is called, for errors.

    Raises
    ------
    ArchiveError
        If there is none, or several.
    """
    if _is_catalog(container):
        return container
    if not hasattr(container, "items"):
        raise ArchiveError(f"{name}: is no container of runs: give the address of one")
    raw = find_child(container, _RAW)
    if raw is not None and _is_catalog(raw):
        return raw
    children = dict(container.items()[:50])
    if any("BlueskyRun" in _specs(child) for child in children.values()):
        return container  # runs in a container that does not say so
    catalogs = {key: child for key, child in children.items() if _is_catalog(child)}
    if len(catalogs) == 1:
        return next(iter(catalogs.values()))
    found = f"there are {', '.join(catalogs)}" if catalogs else "there is none"
    raise ArchiveError(
        f"{name}: is no catalog of bluesky runs, and in it {found}: "
        "write .../api/v1/metadata/NAME of the one that is meant"
    )


def _is_catalog(node: Any) -> bool:
    return _CATALOG in _specs(node) or type(node).__name__ == _CATALOG


def _specs(node: Any) -> set[str]:
    # Streams have none once the session has asked any catalog for `.v2`, see find_child.
    return {spec.name for spec in getattr(node, "specs", ())}


def _from_profile(name: str, api_key: str | None) -> Any:
    from tiled.client import from_profile
    from tiled.profiles import ProfileNotFound, list_profiles

    options = {"api_key": api_key} if api_key else {}
    try:
        return from_profile(name, **options)
    except ProfileNotFound:
        known: list[str] = []
        with suppress(Exception):
            known = sorted(list_profiles())
        said = f"there are {', '.join(known)}" if known else "there are none"
        raise ArchiveError(
            f"Tiled has no profile {name!r}: {said} (`tiled profile list`)"
        ) from None
