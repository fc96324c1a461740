"""`live_lce.testing` as a beamline uses it: a scan, a callback, what was published."""

from __future__ import annotations

import pytest

pytest.importorskip("uvicorn", reason="needs the extra `server`")

from live_lce.testing import RecordingServer, compose, spectrum_rows


def test_a_scan_is_recorded() -> None:
    with RecordingServer() as server:
        live = server.callback()
        for name, doc in compose(spectrum_rows(white_line=0.7), start={"element": "Fe"}):
            live(name, doc)
        assert live.close(120)
        rows = server.predictions(final=True)
        assert list(rows["absorber"]) == ["Fe"]
        assert list(rows["status"]) in (["ok"], ["abstain"])
        assert live.last is not None and rows["label"].iloc[0] == live.last.prediction.label
