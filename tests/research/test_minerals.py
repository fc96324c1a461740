"""Spectra of mineral structures that join the training data."""

import json

import numpy as np
import pytest
from pymatgen.core.composition import Composition

from live_lce.contract import OTHER
from live_lce.datasets._rows import align
from live_lce.datasets._split import groups
from live_lce.labels._structures import StructureError
from live_lce.sim.library import load_library
from research.feff.coarse import ATTEMPTS, write_sites
from research.feff.mineral_structures import (
    OXIDE_SITES,
    SITES_WITHOUT_OXYGEN,
    found_sites,
    idealized,
    label_mineral,
    other_sites,
    oxide_sites,
    read_mineral,
    structure_ids,
)
from research.feff.minerals import kept_sites
from research.lce.computed import Named, read_sites, to_rows
from research.lce.minerals import SOURCE, is_mineral, mineral_rows
from research.lce.outliers import read_outliers
from research.lce.pool import POOL_CLASSES, Pool, read_pool

pytestmark = pytest.mark.slow

RHODOCHROSITE, MN2GEO4, MN2GEO4_AGAIN, DENSE_MN3O4 = 100, 270, 271, 1332
UNREADABLE, DISORDERED = 71, 106
PYRITE, SIDERITE, HEMATITE, MELONITE = 6, 101, 143, 33
LABELS = {"T4", "S5", "O6", OTHER}


@pytest.fixture(scope="module")
def sites() -> list[dict]:
    return read_sites(SOURCE)


@pytest.fixture(scope="module")
def pool(shared) -> Pool:
    return read_pool(shared / "data" / "computed", 5, 0)


def test_oxides_of_one_structure_a_formula():
    numbers = (UNREADABLE, RHODOCHROSITE, DISORDERED, MN2GEO4, MN2GEO4_AGAIN, DENSE_MN3O4)
    chosen = oxide_sites(found_sites("Mn", numbers))
    assert [(one.amcsd_id, one.formula, one.label) for one in chosen] == [
        (DENSE_MN3O4, "Mn3O4", "O6"),
        (RHODOCHROSITE, "MnCO3", "O6"),
        (MN2GEO4, "Mn2GeO4", "O6"),
        (MN2GEO4, "Mn2GeO4", "O6"),
        (DENSE_MN3O4, "Mn3O4", OTHER),
    ]
    assert oxide_sites(found_sites("Mn", numbers), 1) == chosen[:1]


def test_materials_of_the_demo_are_left_out():
    assert {s.formula for s in found_sites("Fe", (SIDERITE, HEMATITE))} == {"FeCO3"}


def test_without_oxygen_the_label_is_other():
    pyrite = label_mineral(PYRITE, "Fe")
    assert [one.label for one in pyrite] == ["O6"]
    assert [one.label for one in other_sites(pyrite, 3)] == [OTHER]
    assert oxide_sites(pyrite) == []
    telluride = found_sites("Ni", (MELONITE,))
    assert len(other_sites(telluride, 3)) == 1
    assert other_sites(telluride, 2) == []  # a third of two: no place for what has no anion


def test_structures_hold_the_absorber_and_oxygen_or_not():
    with_oxygen, without = structure_ids("Co", True), structure_ids("Co", False)
    assert with_oxygen == sorted(with_oxygen)
    assert set(with_oxygen).isdisjoint(without)
    assert "O" in {site.specie.symbol for site in read_mineral(104)}
    assert 104 in with_oxygen


@pytest.mark.parametrize(
    ("number", "words"),
    [(DISORDERED, "partly occupied"), (UNREADABLE, "not read"), (10**7, "no such structure")],
)
def test_what_cannot_be_computed_says_why(number, words):
    with pytest.raises(StructureError, match=words):
        read_mineral(number)


def test_every_spectrum_is_well_formed(sites):
    names = [(e["absorber"], e["amcsd_id"], e["site"]) for e in sites]
    assert names == sorted(set(names))
    cards = [settings.cards for settings in ATTEMPTS]
    problems = []
    for entry in sites:
        energy, mu = np.array(entry["energy"]), np.array(entry["mu"])
        assert len(energy) == len(mu) >= 40
        assert np.isfinite(mu).all()
        assert (np.diff(energy) > 0).all()
        problems.append(align(energy, mu)[0])
        assert entry["cards"] in cards
        assert entry["label"] in LABELS
        assert entry["absorber"] in {*OXIDE_SITES, *SITES_WITHOUT_OXYGEN}
        oxide = "O" in Composition(entry["formula"])
        assert oxide or entry["label"] == OTHER
    assert min(sum(e["label"] == label for e in sites) for label in LABELS) >= 5
    # FEFF draws the pre-edge peak of chromates and vanadates higher than their edge.
    left_out = [problem for problem in problems if problem]
    assert set(left_out) <= {"pre-edge above the main edge", "no edge reference"}
    assert len(left_out) <= 0.07 * len(sites)


def test_no_material_of_the_demo_is_in_the_file(sites):
    demo = {one.formula for one in load_library().values()}
    assert demo.isdisjoint(e["formula"] for e in sites)


def test_labels_are_those_of_the_structures(sites):
    for entry in sites[:: len(sites) // 6]:
        found = {s.site: s for s in label_mineral(entry["amcsd_id"], entry["absorber"])}
        one = found[entry["site"]]
        assert (one.formula, one.mineral) == (entry["formula"], entry["mineral"])
        oxide = "O" in Composition(entry["formula"])
        assert entry["label"] == (one.label if oxide else OTHER)


def test_rows_are_named_and_counted(sites):
    of_absorber = mineral_rows(("Mn", "Xx"), POOL_CLASSES)
    assert set(of_absorber) == {"Mn"}
    rows, own = of_absorber["Mn"], [e for e in sites if e["absorber"] == "Mn"]
    assert len(rows) + sum(rows.dropped.values()) == len(own)
    assert len(set(rows.id)) == len(rows)
    assert is_mineral(rows).all()
    label = dict(zip(rows.id, rows.label, strict=True))
    for e in own:
        name = f"amcsd-{e['amcsd_id']} Mn {e['site']}"
        assert name not in label or POOL_CLASSES[label[name]] == e["label"]
    with pytest.raises(ValueError, match="tuple"):
        mineral_rows(("Mn",), ("T4",))


def test_a_file_of_bad_spectra_is_refused():
    bad = {"formula": "MnO", "energy": [1.0, 2.0], "mu": [0.0, 1.0]}
    with pytest.raises(ValueError, match="fewer than 8 points"):
        to_rows([Named(bad, "a", "b", 0)], "some.json")


def test_minerals_are_in_the_fold_of_their_formula_and_near_duplicates(pool):
    new = is_mineral(pool.rows)
    assert new.sum() == sum(map(len, mineral_rows(pool.absorbers, POOL_CLASSES).values()))
    shared_formulas = set(pool.rows.formula[new]) & set(pool.rows.formula[~new])
    assert shared_formulas
    for formula in set(pool.rows.formula[new]):
        assert len(set(pool.fold[pool.rows.formula == formula])) == 1
    for absorber in ("Fe", "Mn"):
        own = pool.of(absorber)
        group = groups(pool.rows.take(own))
        together = {(g, f) for g, f in zip(group, pool.fold[own], strict=True)}
        assert len(together) == len(set(group))
        assert set(pool.fold[own[new[own]]]) == set(range(5))


def test_finished_spectra_are_read_and_written(sites, tmp_path):
    keep, out = tmp_path / "keep", tmp_path / "out.json"
    keep.mkdir()
    found = found_sites("Mn", (RHODOCHROSITE, MN2GEO4, DENSE_MN3O4))
    asked = {(one.absorber, one.amcsd_id, one.site) for one in found}
    wanted = [e for e in sites if (e["absorber"], e["amcsd_id"], e["site"]) in asked]
    assert len(wanted) >= 3
    for e in wanted:
        spectrum = {key: e[key] for key in ("cards", "energy", "mu")}
        (keep / f"Mn-{e['amcsd_id']}-{e['site']}.json").write_text(json.dumps(spectrum))
    (keep / "Mn-7448-0.json").write_text("of no site that is asked for")
    assert list(kept_sites(found, keep)) == wanted
    write_sites(out, "about", "command", "version", wanted)
    assert json.loads(out.read_text())["sites"] == wanted
    assert len(out.read_text().splitlines()) == len(wanted) + 2
    first, second, *_ = (keep / f"{one.name}.json" for one in found)
    first.write_text("null")  # FEFF failed
    assert len(list(kept_sites(found, keep))) == len(wanted) - 1
    second.write_text('{"mu": [')
    with pytest.raises(ValueError, match=f"{second.name}.*delete the file"):
        list(kept_sites(found, keep))


def test_idealized_structures_are_not_computed_again(sites):
    assert "FeS2" in idealized("Fe")
    assert found_sites("Fe", (PYRITE,)) == []
    known = {(e["absorber"], e["formula"]) for e in read_outliers()}
    assert known.isdisjoint((e["absorber"], e["formula"]) for e in sites)
