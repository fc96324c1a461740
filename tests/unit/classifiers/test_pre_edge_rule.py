"""The pre-edge peak, and what it says against an answer."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from publish_parts import a_result

from live_lce.classifiers import Prediction, Registry
from live_lce.classifiers._classify import _heard, classify
from live_lce.classifiers._pre_edge_rule import ANY, FIELDS, pre_edge_rule
from live_lce.contract import OTHER, Reason, Status, prediction_columns
from live_lce.records import published_row
from live_lce.settings import AnalysisSettings, Classification
from live_lce.spectra import NormalizedSpectrum
from live_lce.spectra._pre_edge_peak import PreEdgePeak, baseline, pre_edge_peak

ALWAYS = AnalysisSettings(classification=Classification(min_confidence=0.0, max_ood_score=1e6))
WIDTH = 0.8
"""Standard deviation of the peak (eV)."""


def spectrum(absorber="Ti", reference=4980.0, area=0.3, at=-9.0, start=-100.0, step=0.25, edge="K"):
    energy = np.arange(reference + start, reference + 150.0, step)
    x = energy - reference
    norm = 0.5 + np.arctan((x - 1) / 1.5) / np.pi + 0.3 * np.exp(-(((x - 8) / 4) ** 2))
    norm += area / (WIDTH * np.sqrt(2 * np.pi)) * np.exp(-0.5 * ((x - at) / WIDTH) ** 2)
    return NormalizedSpectrum(
        energy, norm, energy, absorber, edge, reference, reference, noise=0.001
    )


@settings(max_examples=30, deadline=None)
@given(st.floats(0.1, 2.0), st.floats(-13.0, -8.0), st.floats(-30, 30))
def test_a_known_peak_is_found(area, at, shift):
    peak = pre_edge_peak(spectrum(area=area, at=at, reference=4980.0 + shift))
    assert peak is not None
    assert peak.area == pytest.approx(area, rel=0.06, abs=0.03)
    assert peak.centroid == pytest.approx(4980.0 + shift + at, abs=0.2)
    assert peak.height == pytest.approx(area / (WIDTH * np.sqrt(2 * np.pi)), rel=0.06, abs=0.03)


def test_without_a_peak_there_is_no_centroid():
    peak = pre_edge_peak(spectrum(area=0.0))
    assert peak is not None
    assert np.isnan(peak.centroid)
    assert abs(peak.area) < 0.03


@pytest.mark.parametrize(
    "silent",
    [
        spectrum(start=-15.0),
        spectrum(step=1.5),
        replace(spectrum(), noise=0.05),
        replace(spectrum(), noise=np.nan),
        replace(spectrum(), edge_reference=np.nan),
        replace(spectrum(), norm=spectrum().norm + 0.3 * np.sin(spectrum().energy / 1.7)),
    ],
    ids=["starts late", "coarse", "noisy", "computed", "no reference", "no baseline"],
)
def test_it_is_silent_on_what_it_cannot_measure(silent):
    assert pre_edge_rule(spectrum()) is not None
    assert pre_edge_rule(silent) is None


def test_it_is_silent_on_other_edges():
    assert pre_edge_rule(spectrum("Ni")) is None
    assert pre_edge_rule(spectrum(edge="L3")) is None


def test_the_baseline_is_that_of_larch():
    from live_lce.spectra._larch_import import load_larch_xafs

    xafs = load_larch_xafs()
    from larch import Group

    x = np.arange(-32.0, -1.4, 0.2)
    whole = spectrum(at=-10.0)
    y = np.interp(x, whole.energy - 4980.0, whole.norm)
    group = Group(energy=x + 4980.0, norm=y)
    xafs.pre_edge_baseline(group, form="line+loren", emin=4948, elo=4966, ehi=4975, emax=4978.4)
    theirs = np.interp(x + 4980.0, group.prepeaks.energy, group.prepeaks.baseline)
    np.testing.assert_allclose(baseline(x, y, (x > -14) & (x < -5)), theirs, atol=0.005)


def test_fields_follow_each_other_and_leave_no_class_out():
    for fields in FIELDS.values():
        assert list(fields.limits) == sorted(set(fields.limits))
        assert len(fields.says) == len(fields.limits) + 1
        assert {label for says in fields.says for label in says} == set(ANY)
        assert "T4" not in fields.says[0] and "O6" not in fields.says[-1]
    low, high = PreEdgePeak(0.0, 0.05, 0.02, 0.0), PreEdgePeak(0.0, 1.8, 0.9, 0.0)
    assert FIELDS["Fe"].of(low) == ("O6",)
    assert FIELDS["Ti"].of(high) == ("T4",)


def test_an_answer_that_it_speaks_against_is_none():
    registry = Registry()
    opposed = 0
    for absorber, area, at in product(
        FIELDS, (0.05, 0.3, 0.6, 1.0, 1.5, 2.0), (-7.0, -10.0, -12.0)
    ):
        whole = spectrum(absorber, area=area, at=at)
        decision = classify(whole, registry, ALWAYS)
        said = decision.witness
        assert said is not None and said == pre_edge_rule(whole)
        best = decision.classes[int(decision.probabilities.argmax())]
        if best == OTHER:  # no answer that could be opposed
            assert decision.findings[0].reason is Reason.OTHER_ENVIRONMENT
            continue
        if best in said.says:
            assert (decision.status, decision.label) == (Status.OK, best)
            continue
        opposed += 1
        assert (decision.status, decision.label, decision.confidence) == (Status.ABSTAIN, "", 0.0)
        assert decision.findings[0].reason is Reason.WITNESS_DISAGREES
        assert said.detail in decision.findings[0].detail and best in decision.findings[0].detail
        assert decision.label_set and decision.probabilities.sum() == pytest.approx(1)
    assert opposed


def test_classes_that_it_does_not_know_are_not_its_business() -> None:
    """A model of one's own may call its classes as it likes; the number is published."""
    seen = spectrum(area=1.5)
    said = pre_edge_rule(seen)
    assert said is not None and said.says == ("T4",)
    given = Prediction(Status.OK, (), "Ti", "K", "octahedral", 0.95, ("tetrahedral", "octahedral"))
    heard = _heard(given, seen)
    assert (heard.status, heard.label, heard.findings) == (Status.OK, "octahedral", ())
    assert heard.witness == said
    known = _heard(replace(given, label="O6", classes=("T4", "O6")), seen)
    assert (known.status, known.findings[0].reason) == (Status.ABSTAIN, Reason.WITNESS_DISAGREES)


def test_its_numbers_are_published():
    columns = prediction_columns(("T4", "S5", "O6"))
    names = ("pre_edge_centroid", "pre_edge_area", "pre_edge_height")
    plain = a_result()
    said = pre_edge_rule(spectrum())
    with_it = replace(plain, prediction=replace(plain.prediction, witness=said))
    row = published_row(with_it, columns, 0.0)
    assert [row[n] for n in names] == [said.centroid, said.area, said.height]
    assert np.isnan([published_row(plain, columns, 0.0)[n] for n in names]).all()


def test_it_excludes_no_standard_and_opposes_no_right_answer(shared):
    from live_lce.datasets import read_standards
    from live_lce.datasets._labelled import Enters
    from live_lce.datasets._prepared import prepare

    folder = shared / "data" / "experimental"
    rows = [r for r in read_standards(folder) if r.spectrum.absorber in {"Ti", "V", "Cr"}]
    heard, excluded = {}, []
    for one in prepare(rows, AnalysisSettings()):
        said = pre_edge_rule(one.normalized) if one.normalized is not None else None
        if said is not None and one.row.enters is Enters.SCORES:
            heard[one.row.id] = said
            if one.row.label not in said.says:
                excluded.append(one.row.id)
    assert len(heard) >= 45
    # VO2 and the titanates with five neighbours: a veto costs their answer, it gives no wrong one.
    assert len(excluded) <= 0.05 * len(heard), excluded
    assert "O6" not in heard["xaslib_k2cro4_rt_001"].says
    assert heard["pyfitit_LC08_Anatase"].says == ("O6",)
    assert "T4" not in heard["xaslib_V2O3"].says
