"""The table of labels, and how it compares with the shared tables."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import structure_parts as structures

from live_lce.labels._order_parameters import average, order_parameters
from live_lce.labels._structures import StructureError
from research.label_tables.agreement import agreements, at_odds, calibration, report
from research.label_tables.table import (
    COLUMNS,
    NO_STRUCTURE,
    OTHER_ELEMENT,
    Task,
    label_task,
    labels_table,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Two structures, one of which has no file, and spectra of their sites."""
    for name in ("structures", "spectra"):
        (tmp_path / name).mkdir()
    pd.DataFrame(
        {
            "mp_id": ["m", "v", "cut"],
            "cif": [
                structures.magnetite().to(fmt="cif"),
                structures.shcherbinaite().to(fmt="cif"),
                "data_x",
            ],
        }
    ).to_parquet(tmp_path / "structures" / "some.parquet")
    rows = [
        ("m:0", "m", "Fe", 0, "T4", "T4", "T4", 4.0, 0.0),
        ("m:8", "m", "Fe", 8, "O6", "O6", "O6", 6.0, 0.0799),
        ("m:30", "m", "Fe", 30, "O6", "O6", "O6", 6.0, 0.0799),  # an oxygen
        ("v:0", "v", "V", 0, "S5", "TBP5", "S5", 5.0, 9.0),
        ("gone:0", "gone", "Ti", 0, "O6", "O6", "O6", 6.0, 0.0),
        ("cut:0", "cut", "Ti", 0, "O6", "O6", "O6", 6.0, 0.0),
    ]
    names = ["id", "mp_id", "absorber", "site", "label", "motif", "label_carbone"]
    table = pd.DataFrame(rows, columns=[*names, "crystalnn_cn", "motif_csm"])
    table.to_parquet(tmp_path / "spectra" / "some.parquet")
    return tmp_path / "structures", tmp_path / "spectra"


def test_every_spectrum_has_a_row(
    folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    labels, stated = labels_table(*folders)
    assert tuple(labels.columns) == COLUMNS
    by_id = labels.set_index("id")
    assert set(stated.id) | {"averaged:m:Fe", "averaged:v:V"} == set(by_id.index)
    assert by_id.label["m:0"] == "T4" and by_id.label["m:8"] == "O6"
    assert by_id.label_carbone["v:0"] == "T4" and by_id.motif_label["v:0"] == "S5"
    assert by_id.ranked_cn["averaged:m:Fe"] == "CN_6-CN_4"
    assert by_id.problem["m:30"] == OTHER_ELEMENT and by_id.problem["gone:0"] == NO_STRUCTURE
    assert "not read as a CIF" in by_id.problem["cut:0"]
    assert by_id.cn[["m:30", "gone:0", "cut:0"]].isna().all()

    structure = structures.magnetite()
    mean = average(order_parameters(structure, i) for i in range(24))
    assert by_id.n_sites["averaged:m:Fe"] == 24
    np.testing.assert_allclose(by_id.motif["averaged:m:Fe"], mean.motif, atol=1e-3)

    found = {one.column: one for one in agreements(labels, stated)}
    assert (found["label"].n, found["label"].equal) == (3, 3)
    assert found["motif"].pairs == (("TBP5", "S5", 1),)
    assert found["label_carbone"].pairs == (("S5", "T4", 1),)
    assert at_odds(labels, stated) == (1, 1)
    report(labels, stated)
    said = capsys.readouterr().out
    assert "6 sites, 2 averages" in said and "66.67%" in said and "0.2: 1.2" in said


def test_processes_give_the_same(folders: tuple[Path, Path]) -> None:
    one, _ = labels_table(*folders, workers=1)
    two, _ = labels_table(*folders, workers=2)
    pd.testing.assert_frame_equal(one, two)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StructureError, match="no Parquet files there"):
        labels_table(tmp_path, tmp_path)


def test_calibration_beside_the_paper() -> None:
    rng = np.random.default_rng(0)
    sites = np.eye(12)[rng.integers(3, 6, 400)]
    averaged = sites.reshape(100, 4, 12).mean(axis=1)
    found = calibration("cn", sites, averaged)
    assert (found.n_sites, found.n_averaged, found.site) == (400, 100, 1.0)
    assert found.averaged_at_paper > found.averaged >= 1


def test_agrees_with_the_shared_tables(shared: Path) -> None:
    names = ["id", "mp_id", "absorber", "site", "label", "motif", "label_carbone"]
    spectra = pd.read_parquet(
        shared / "data" / "computed" / "feff10.parquet", columns=[*names, "crystalnn_cn"]
    ).iloc[::90]
    cifs = pd.read_parquet(shared / "data" / "structures" / "feff10_structures.parquet")
    cifs = cifs.set_index("mp_id").cif
    for row in spectra.itertuples():
        found = label_task(Task(row.mp_id, cifs[row.mp_id], ((row.id, row.absorber, row.site),)))[0]
        ours = (found["label"], found["motif_label"], found["label_carbone"], found["crystalnn_cn"])
        assert ours == (row.label, row.motif, row.label_carbone, row.crystalnn_cn), row.id
