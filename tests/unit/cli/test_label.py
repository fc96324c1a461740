"""`live-lce label`: a structure in, its labels out."""

from __future__ import annotations

from pathlib import Path

import pytest
import structure_parts as structures
from cli_parts import Cli, cli

__all__ = ["cli"]  # a fixture


@pytest.fixture
def cif(tmp_path: Path) -> str:
    path = tmp_path / "magnetite.cif"
    structures.magnetite().to(str(path))
    return str(path)


def test_json(cli: Cli, cif: str) -> None:
    done = cli("label", "--json", cif)
    assert done.code == 0, done.err
    four, six = done.json["sites"]
    assert done.json["formula"] == "Fe3O4"
    assert (four["site"], four["multiplicity"], four["crystalnn"]["label"]) == (0, 8, "T4")
    assert (six["site"], six["multiplicity"], six["crystalnn"]["cn"]) == (8, 16, 6)
    assert four["carbone"]["label"] == "T4" and six["carbone"]["label"] == "O6"
    assert four["zheng"]["cn_label"] == "CN_4"
    assert six["zheng"]["motif_label"].startswith("CN_6-octahedral-")
    assert six["zheng"]["motif"]["octahedral"] > 0.9
    assert done.json["fractions"] == {"Fe": {"O6": 2 / 3, "T4": 1 / 3}}


def test_the_table_says_the_same(cli: Cli, cif: str) -> None:
    done = cli("label", cif)
    assert done.code == 0, done.err
    for word in ("Fe3O4", "Fe 0", "Fe 8", "CN_6 1.00", "octahedral", "Fe: O6 67%, T4 33%"):
        assert word in done.out


def test_another_absorber(cli: Cli, cif: str) -> None:
    (oxygen,) = cli("label", "--json", "--absorber", "o", cif).json["sites"]
    assert oxygen["element"] == "O" and oxygen["crystalnn"]["measure"] is not None
    done = cli("label", "--absorber", "Zn", cif)
    assert done.code == 1 and done.err.count("\n") == 1
    assert "no Zn in the structure: choose an absorber among Fe, O" in done.err


def test_what_is_no_structure_is_one_line(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello", encoding="utf-8")
    for name in ("notes.txt", "none.cif"):
        done = cli("label", str(tmp_path / name))
        assert done.code == 1 and done.err.count("\n") == 1 and name in done.err
