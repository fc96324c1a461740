"""A document that cannot be handled, whatever it does: the other documents are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fault_parts import SETTINGS, expected, live, raw_uid, registry, scan
from poison_parts import POISON

from live_lce.classifiers import Registry
from live_lce.publish import SpoolPublisher
from live_lce.publish._spool import read_spooled, waiting

__all__ = ["registry"]  # a fixture


@pytest.mark.parametrize("case", POISON)
def test_a_poison_document_takes_nothing_with_it(
    case: str, registry: Registry, tmp_path: Path
) -> None:
    hurt, whole = scan(1), scan(2)
    poison = POISON[case](hurt[-5])
    publisher = SpoolPublisher(tmp_path, settings=SETTINGS, source="test")
    callback = live(registry, publisher)
    for name, doc in [*hurt[:-5], poison, *hurt[-4:], *whole]:
        callback(name, doc)
    assert callback.close(60)
    counters = callback.counters
    assert counters["engine_errors"] == counters["publisher_errors"] == 0
    assert counters["malformed"] + counters["points_dropped"] == 1, counters
    found = {read_spooled(path).start["original_run_uid"]: path for path in waiting(tmp_path)}
    assert set(found) == {raw_uid(hurt), raw_uid(whole)}
    (final,) = [r for r in expected(registry, [*hurt[:-5], *hurt[-4:]]) if r.final]
    last = [d["data"] for n, d in read_spooled(found[raw_uid(hurt)]).documents if n == "event"]
    (row,) = [data for data in last if data.get("final") == 1 and "label" in data]
    assert (row["label"], row["status"], row["n_points"]) == ("O6", "ok", final.n_points)
    documents = read_spooled(found[raw_uid(whole)]).documents
    assert documents[-1][1]["live_lce"]["label"] == "T4"
    json.dumps(documents, allow_nan=True)
