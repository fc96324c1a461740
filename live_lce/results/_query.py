"""Keep the names of 0.1 for queries; :class:`live_lce.RunQuery` took their place."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

from live_lce.query import QueryError, RunQuery, epoch

__all__ = ["QueryError", "ResultQuery", "epoch"]


@dataclass(frozen=True)
class ResultQuery(RunQuery):
    """The former name of :class:`live_lce.RunQuery`; it goes in 0.3."""

    def __post_init__(self) -> None:
        warnings.warn(
            "ResultQuery is now live_lce.RunQuery: import that instead",
            DeprecationWarning,
            stacklevel=3,
        )
        super().__post_init__()
