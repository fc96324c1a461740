"""Real spectra of the shared collection: normalization, recognition, partial scans."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from live_lce.analysis import analyse
from live_lce.classifiers import Registry
from live_lce.settings import AnalysisSettings
from live_lce.spectra import Spectrum, SpectrumRejectedError, normalize

SETTINGS = AnalysisSettings()
TRANSITION = {"Ti", "V", "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Zn"}


@pytest.fixture(scope="module")
def standards(shared):
    folder = shared / "data" / "experimental"
    with (folder / "index.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [(row, np.loadtxt(folder / row["file"])[:, :2].T) for row in rows]


def test_standards_pass_the_gate(standards):
    refused = []
    for row, (energy, mu) in standards:
        try:
            normalize(Spectrum(energy, mu, row["absorber"], "K"), SETTINGS)
        except SpectrumRejectedError as error:
            if row["quality"] == "ok":
                refused.append((row["id"], str(error)))
            else:  # noise may hide the edge; the refusal says which one was looked for
                assert f"{row['absorber']} K at" in str(error), row["id"]
    assert refused == []


def test_normalized_standards_are_not_normalized_twice(standards):
    given = [
        (row, data)
        for row, data in standards
        if row["data_kind"].startswith(("normalized", "background-subtracted", "benchmark"))
    ]
    assert len(given) > 100
    methods = [
        normalize(Spectrum(*data, row["absorber"], "K"), SETTINGS).norm_method
        for row, data in given
    ]
    assert methods.count("as_given") > 0.9 * len(given)
    declared = [
        normalize(Spectrum(*data, row["absorber"], "K", normalized=True), SETTINGS).norm_method
        for row, data in given
    ]
    assert set(declared) == {"as_given"}


def test_the_edge_reference_of_a_partial_scan_is_that_of_the_full_one(standards):
    """Wherever a truncated scan gets a reference at all, it is the final one to 1 eV."""
    off, judged = [], 0
    for row, (energy, mu) in standards[::4]:
        if row["absorber"] not in TRANSITION:
            continue
        full = normalize(Spectrum(energy, mu, row["absorber"], "K"), SETTINGS).edge_reference
        for past in (0, 8, 13, 18, 30):
            keep = energy <= full + past
            if keep.all():
                break
            try:
                part = normalize(
                    Spectrum(energy[keep], mu[keep], row["absorber"], "K"), SETTINGS
                ).edge_reference
            except SpectrumRejectedError:
                continue
            if np.isfinite(part):
                judged += 1
                if abs(part - full) > 1.0:
                    off.append((row["id"], past, part - full))
    assert judged > 100
    assert off == []


def test_foils_are_taken_for_metals_and_get_no_label(standards):
    foils = [
        (row, data)
        for row, data in standards
        if row["family"] == "metal" and row["absorber"] in TRANSITION - {"Zn"}
    ]
    assert len(foils) > 30
    answered = []
    for row, (energy, mu) in foils:
        prediction = analyse(Spectrum(energy, mu, row["absorber"], "K"), Registry(), SETTINGS)
        if prediction.prediction.answered:
            answered.append(row["id"])
    assert len(answered) <= 1, answered
