"""Any Python value as one that JSON can hold; never raises."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

DEEPEST = 60
"""Levels that are written as such; what lies deeper is written as text."""
MOST_VALUES = 2_000_000
"""So many values are written of one document."""
_LONGEST = 1000
_BITS = 13_000  # Python writes integers up to 4300 digits


def jsonable(value: Any) -> tuple[Any, bool]:
    """Return a value for `json.dumps`, and whether nothing was lost.

    Arrays and tuples become lists, mappings become dicts; that loses nothing.  What JSON
    has no form for (objects, dates, bytes, endless nesting) becomes its `repr`.

    Parameters
    ----------
    value : object
        Any.
    """
    writer = _Writer()
    return writer.plain(value, ()), writer.exact


def text_of(value: Any, longest: int = _LONGEST) -> str:
    """Return the `repr` of any value, cut; never raises."""
    try:
        return repr(value)[:longest]
    except Exception as error:  # it has its own mind, or is nested too deep
        return f"<{type(value).__name__} that cannot be shown: {type(error).__name__}>"


class _Writer:
    def __init__(self) -> None:
        self.exact = True
        self._values = 0

    def plain(self, value: Any, around: tuple[int, ...]) -> Any:
        kind = type(value)
        if value is None or kind in (str, bool, float):
            return value
        if kind is int:
            return value if value.bit_length() < _BITS else self._text(value)
        self._values += 1
        if len(around) > DEEPEST or id(value) in around or self._values > MOST_VALUES:
            return self._text(value)
        try:
            return self._other(value, (*around, id(value)))
        except Exception:  # whatever an odd class does
            return self._text(value)

    def _other(self, value: Any, around: tuple[int, ...]) -> Any:
        if isinstance(value, Mapping):
            return {self._key(key): self.plain(inner, around) for key, inner in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.plain(inner, around) for inner in value]
        if isinstance(value, str):
            return str(value)
        if isinstance(value, float):
            return float(value)
        if isinstance(value, int):  # an enum
            return self.plain(int(value), around)
        if callable(getattr(value, "tolist", None)):  # numpy's arrays and numbers
            return self.plain(value.tolist(), around)
        return self._text(value)

    def _key(self, key: Any) -> str:
        if isinstance(key, str):
            return str(key)
        return text_of(key)

    def _text(self, value: Any) -> str:
        self.exact = False
        return text_of(value)
