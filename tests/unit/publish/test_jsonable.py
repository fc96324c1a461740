"""Documents are kept whatever they hold: JSON where it can, text where nothing else goes."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from poison_parts import Raising, nested

from live_lce.publish._dead_letter import jsonable


@pytest.mark.parametrize(
    ("value", "plain", "exact"),
    [
        (np.float32(0.1), float(np.float32(0.1)), True),
        (np.arange(3), [0, 1, 2], True),
        ((1, [2.5], {"a": None}), [1, [2.5], {"a": None}], True),
        ({1: True}, {"1": True}, True),
        (np.str_("x"), "x", True),
        (10**400, 10**400, True),
        (10**5000, "<int that cannot be shown: ValueError>", False),
        (b"ab", "b'ab'", False),
        (Decimal("1.5"), "Decimal('1.5')", False),
        (Raising(), None, False),
        (nested(50_000), None, False),
        ({"a": {1, }, "b": 2}, {"a": "{1}", "b": 2}, False),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_odd_values(value: Any, plain: Any, exact: bool) -> None:
    found, nothing_lost = jsonable(value)
    assert nothing_lost is exact
    assert plain is None or found == plain
    text = json.dumps(found)
    assert json.loads(text) == found


def test_values_that_never_end() -> None:
    endless: list[Any] = []
    endless.append(endless)
    assert jsonable({"a": endless})[1] is False
    found, exact = jsonable({"nan": math.nan, "inf": -math.inf})
    assert exact and math.isnan(json.loads(json.dumps(found))["nan"])


def test_arrays_with_nan_are_lists_with_nan() -> None:
    points = np.array([[7112.0, math.nan], [math.inf, -0.0]])
    found, exact = jsonable({"data": {"points": points, "pages": [points[0]]}})
    assert exact
    again = json.loads(json.dumps(found))["data"]
    np.testing.assert_array_equal(np.array(again["points"]), points)
    np.testing.assert_array_equal(np.array(again["pages"]), points[:1])
