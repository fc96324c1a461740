"""Import libraries that change the process, without letting other threads see the changes."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_LOCK = threading.RLock()


@contextmanager
def undisturbed() -> Iterator[None]:
    """Keep warning filters and root logger from what this thread imports.

    Some libraries switch warnings off, or set up logging, when they are imported.  Within this
    block such calls of this thread have no effect, and its warnings are not shown; what other
    threads set meanwhile, such as a user's startup file, counts at once and stays.
    """
    with _LOCK:
        me = threading.get_ident()
        mine = _OfThread(me)
        root = logging.getLogger()
        functions: list[tuple[Any, str, Any]] = [
            (warnings, "simplefilter", _unless(mine, warnings.simplefilter)),
            (warnings, "filterwarnings", _unless(mine, warnings.filterwarnings)),
            (warnings, "resetwarnings", _unless(mine, warnings.resetwarnings)),
            (warnings, "catch_warnings", _catching(mine)),
            (logging, "basicConfig", _unless(mine, logging.basicConfig)),
        ]
        before = [(where, name, getattr(where, name)) for where, name, _ in functions]
        logger_class = type(root)
        filters: Any = warnings.filters  # a list, of which `catch_warnings` makes copies
        silent = ("ignore", mine, Warning, None, 0)
        filters.insert(0, silent)
        for where, name, function in functions:
            setattr(where, name, function)
        root.__class__ = _kept(logger_class, mine)
        try:
            yield
        finally:
            root.__class__ = logger_class
            for (where, name, old), (_, _, new) in zip(before, functions, strict=True):
                if getattr(where, name) is new:
                    setattr(where, name, old)
            mine.over = True
            filters = warnings.filters
            if silent in filters:
                filters.remove(silent)


class _OfThread:
    """Whether it is this thread that runs; as the text of a warning filter: whose warning it is."""

    def __init__(self, thread: int) -> None:
        self._thread = thread
        self.over = False

    def __bool__(self) -> bool:
        return not self.over and threading.get_ident() == self._thread

    def match(self, text: str) -> bool:
        """Tell whether a warning is to be ignored; asked by the module `warnings`."""
        return bool(self)


def _unless(mine: _OfThread, function: Callable[..., Any]) -> Callable[..., Any]:
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return None if mine else function(*args, **kwargs)

    return wrapped


def _catching(mine: _OfThread) -> type[warnings.catch_warnings[Any]]:
    class Catching(warnings.catch_warnings):
        """In this thread it neither saves nor restores the filters, which others change."""

        def __enter__(self) -> Any:
            self._left_out = bool(mine)
            return [] if self._left_out else super().__enter__()

        def __exit__(self, *error: object) -> None:
            if not self._left_out:
                super().__exit__(*error)  # type: ignore[arg-type]

    return Catching


def _kept(kind: type[logging.Logger], mine: _OfThread) -> type[logging.Logger]:
    def get(logger: logging.Logger) -> int:
        return int(logger.__dict__["level"])

    def set_level(logger: logging.Logger, level: int) -> None:
        if not mine:
            logger.__dict__["level"] = level

    return type(kind.__name__, (kind,), {"level": property(get, set_level)})
