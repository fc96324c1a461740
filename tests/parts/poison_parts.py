"""Documents that break whoever takes them at their word."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from live_lce.archives import Document


class Raising(Mapping[str, Any]):
    """A document that fails whoever looks into it."""

    def __getitem__(self, key: str) -> Any:
        raise MemoryError(key)

    def __iter__(self) -> Iterator[str]:
        raise RecursionError

    def __len__(self) -> int:
        return 3


def nested(depth: int) -> Any:
    value: Any = 1.0
    for _ in range(depth):
        value = {"deeper": value}
    return value


POISON: dict[str, Callable[[Document], Document]] = {
    "it raises": lambda event: (event[0], Raising()),
    "it is nested without end": lambda event: (
        "event", {**event[1], "data": {**event[1]["data"], "It": nested(50_000)}}
    ),
    "it holds objects": lambda event: ("event", {**event[1], "data": {"It": object(), "I0": len}}),
    "its numbers are no doubles": lambda event: (
        "event", {**event[1], "data": {**event[1]["data"], "It": 10**400}}
    ),
    "it refers to no stream": lambda event: ("event", {**event[1], "descriptor": ["x"]}),
}  # fmt: skip
