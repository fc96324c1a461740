"""The simulated beamline: library, extension of the window, counting, shells."""

from __future__ import annotations

import numpy as np
import pytest
import xraydb

from live_lce.sim.beamline import Beamline
from live_lce.sim.counting import DARK_RATE
from live_lce.sim.library import exponents, load_library, mixture
from live_lce.sim.optics import Glitch, Optics
from live_lce.sim.plans import xanes_energies
from live_lce.sim.ring import Ring
from research.feff.shell import coordination_label, shell_indices


def test_library_is_what_it_says() -> None:
    library = load_library()
    assert {s.label for s in library.values()} == {"T4", "S5", "O6"}
    for s in library.values():
        assert len(s.shell) == int(s.label[1]), s.key
        assert s.citation and s.amcsd_id > 0
        assert np.all(np.diff(s.energy) > 0)
        e0 = xraydb.xray_edge(s.absorber, s.edge).energy
        assert s.energy[0] < e0 - 2 and s.energy[-1] > e0 + 45, s.key
        assert s.mu[0] < 0.1 < 0.7 < s.mu[-1] < 1.3


def test_alignment_keeps_chemical_shifts() -> None:
    """Cr(VI) has its main edge above Cr(III), and the pre-edge peak of a tetrahedron."""
    library = load_library()
    energy = np.arange(5980.0, 6040.0, 0.1)
    six, three = (library[k].norm(energy) for k in ("Cr-tarapacaite", "Cr-eskolaite"))
    before_edge = energy < 5994.0
    assert six[before_edge].max() > 3 * 0.14
    assert three[before_edge].max() < 0.35


def test_norm_is_continuous_and_goes_to_zero_and_one() -> None:
    for s in load_library().values():
        e0 = xraydb.xray_edge(s.absorber, s.edge).energy
        energy = np.arange(e0 - 150, e0 + 200, 0.25)
        norm = s.norm(energy)
        assert np.all(np.isfinite(norm)) and norm.min() > -0.01
        # The steepest thing is an edge or a pre-edge peak, not a seam of the window.
        seam = np.abs(energy[:-1] - s.energy[0]) < 1.0
        seam |= np.abs(energy[:-1] - s.energy[-1]) < 1.0
        assert np.abs(np.diff(norm))[seam].max() < 0.02
        assert norm[0] < 0.02 and abs(norm[-1] - 1) < 0.03
        np.testing.assert_allclose(s.norm(s.energy), s.mu, atol=1e-12)


def test_mixture_is_linear_and_knows_its_truth() -> None:
    energy = xanes_energies(5989.0)
    parts = {"Cr-tarapacaite": 0.3, "Cr-eskolaite": 0.5, "Cr-uvarovite": 0.2}
    sample = mixture(parts)
    library = load_library()
    expected = sum(f * library[k].norm(energy) for k, f in parts.items())
    np.testing.assert_allclose(sample.norm(energy), expected, rtol=1e-12)
    assert sample.truth == pytest.approx({"T4": 0.3, "O6": 0.7})


@pytest.mark.parametrize(
    "fractions",
    [{}, {"Cr-eskolaite": 0.9}, {"Cr-eskolaite": 1.2, "Cr-uvarovite": -0.2}],
)
def test_impossible_mixtures_are_refused(fractions: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="sum to 1"):
        mixture(fractions)


def test_absorbers_do_not_mix() -> None:
    with pytest.raises(ValueError, match="absorbers"):
        mixture({"Cr-eskolaite": 0.5, "V-cavoite-1": 0.5})


def test_exponents_follow_the_table() -> None:
    below, above, e0 = exponents("Cr", "K")
    assert e0 == 5989.0
    assert -3.2 < below < -2.5 and -3.3 < above < -2.3
    low, high = (xraydb.mu_elam("Cr", e, kind="photo") for e in (5800.0, 5900.0))
    assert high / low == pytest.approx((5900.0 / 5800.0) ** below, rel=1e-3)


def _scan(beamline: Beamline, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    sample = mixture({"Cr-eskolaite": 1.0})
    counts = [
        beamline.count(e, float(i), sample, rng) for i, e in enumerate(xanes_energies(5989.0))
    ]
    return np.array([(c.i0, c.it, c.ir) for c in counts])


def test_mu_is_recovered_within_counting_noise() -> None:
    beamline = Beamline(ring=Ring(lifetime=500.0))  # I0 falls by a quarter during the scan
    counts = _scan(beamline, 1) - DARK_RATE
    assert counts[-1, 0] < 0.8 * counts[0, 0]
    mu = np.log(counts[:, 0] / counts[:, 1])
    sample = mixture({"Cr-eskolaite": 1.0})
    sigma = np.sqrt(
        (counts[:, 0] + DARK_RATE) / counts[:, 0] ** 2
        + (counts[:, 1] + DARK_RATE) / counts[:, 1] ** 2
    )
    pull = (mu - sample.absorbance(xanes_energies(5989.0))) / sigma
    assert np.abs(pull).max() < 5
    assert 0.8 < pull.std() < 1.2
    assert abs(pull.mean()) < 4 / np.sqrt(len(pull))


def test_the_same_seed_gives_the_same_counts() -> None:
    np.testing.assert_array_equal(_scan(Beamline(), 3), _scan(Beamline(), 3))
    assert np.any(_scan(Beamline(), 3) != _scan(Beamline(), 4))


def test_less_flux_is_noisier() -> None:
    def noise(flux: float) -> float:
        counts = _scan(Beamline(flux=flux), 5) - DARK_RATE
        truth = mixture({"Cr-eskolaite": 1.0}).absorbance(xanes_energies(5989.0))
        return float(np.std(np.log(counts[:, 0] / counts[:, 1]) - truth))

    assert noise(1e5) > 3 * noise(2e6)


def test_glitch_shows_in_mu_only_where_it_is() -> None:
    sample, plain = mixture({"Cr-eskolaite": 1.0}), Beamline()
    glitchy = Beamline(optics=Optics((Glitch(6017.0),)))
    for energy, changed in ((6017.0, True), (6012.0, False)):
        a, b = (np.array(x.rates(energy, 0.0, sample)) for x in (plain, glitchy))
        shift = np.log(b[0] / b[1]) - np.log(a[0] / a[1])
        assert (abs(shift) > 0.1) == changed
        assert (b[0] < 0.6 * a[0]) == changed


def test_shells_and_labels() -> None:
    tetrahedron = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], dtype=float)
    octahedron = np.vstack([np.eye(3), -np.eye(3)])
    square = octahedron[[0, 1, 3, 4]]
    assert coordination_label(tetrahedron) == "T4"
    assert coordination_label(2.0 * octahedron) == "O6"
    assert coordination_label(octahedron[:5]) == "S5"
    for shape in (square, np.vstack([octahedron, [[1, 1, 1]]])):
        with pytest.raises(ValueError, match="no clear"):
            coordination_label(shape)
    # Cavoite: the short vanadyl bond does not cut off the other four.
    distances = np.array([1.984, 1.571, 3.4, 1.977, 1.977, 1.984])
    assert sorted(shell_indices(distances)) == [0, 1, 3, 4, 5]
