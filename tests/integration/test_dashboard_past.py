"""What a viewer asks of the past, as Tiled is asked for it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from results_parts import FIRST, SECOND, T0, THIRD, fill

from live_lce import RunQuery
from live_lce.dashboard._past import PastView
from live_lce.results import find


def test_dates_absorbers_and_labels_find_what_they_say(runs: Any, tmp_path: Any) -> None:
    fill(runs, tmp_path)

    def found(**fields: str) -> set[str]:
        view = PastView(None, None, None)  # type: ignore[arg-type]
        for name, value in fields.items():
            getattr(view, f"_{name}").value = value
        asked = RunQuery(**view._asked())
        return {run.analysis.raw_uid for run in find(runs, asked)}

    day = datetime.fromtimestamp(T0).date().isoformat()
    assert found() == {FIRST, SECOND, THIRD}
    assert found(absorber=" ni ") == {THIRD}
    assert found(label="O6", sample="hematite") == {FIRST}
    assert found(status="abstain") == {THIRD}
    assert FIRST in found(since=day, until=day), "a day ends with its last second"
    assert found(since="2099-01-01") == set() == found(until="2001-01-01")
