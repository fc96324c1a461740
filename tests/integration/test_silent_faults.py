"""The trials of benchmarks/silent_faults.py, a part of them, and what was measured well."""

from __future__ import annotations

import importlib.util
import sys
from itertools import islice
from pathlib import Path
from types import ModuleType

import pytest

from live_lce.analysis import analyse
from live_lce.classifiers import Registry
from live_lce.settings import AnalysisSettings

NEW = {
    "points_without_beam",
    "too_thick",
    "thick_sample",
    "channels_excluded",
    "signal_chosen",
    "readings_differ",
    "several_spectra",
}


@pytest.fixture(scope="module")
def faults() -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks" / "silent_faults.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # for its dataclasses
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("kind", ["beam lost", "too thick", "a channel fails", "seen in If only"])
def test_no_fault_ends_in_a_wrong_answer_without_a_word(faults, kind):
    counts, registry, settings = faults.Counts(), Registry(), AnalysisSettings()
    for trial in islice(faults.KINDS[kind](), 0, None, 5):
        counts.add(trial, faults.look(trial, registry, settings))
    assert counts.trials > 3 and counts.refused < counts.trials
    assert counts.wrong == 0 and counts.off_unsaid == 0, counts.listed


def test_what_was_measured_well_is_not_remarked(faults, shared):
    registry, settings = Registry(), AnalysisSettings()
    folder = shared / "data" / "experimental"
    found = ((k, analyse(s, registry, settings)) for k, s in faults.measured(folder))
    counts = faults.summary(found)
    for kind in ("standards", "scans called good"):
        assert counts[kind]["scans"] > 200
        assert counts[kind]["refused"] == 0
        assert not NEW & counts[kind].keys()
    assert counts["scans called bad"]["refused"] >= 0.95 * counts["scans called bad"]["scans"]
