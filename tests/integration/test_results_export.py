"""Exports are read back by their own libraries: the same numbers, and where they come from."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from publish_parts import MODEL, a_result, a_spectrum
from results_parts import AWKWARD, FIRST, FIRST_RUN, SECOND, THIRD, publish, runs, server

from live_lce import RunQuery
from live_lce.datafiles import read_spectra
from live_lce.publish._documents import relative_grid
from live_lce.results import (
    FORMATS,
    ExportError,
    PublishedSpectrum,
    export,
    spectra,
)
from live_lce.results._export import format_of
from live_lce.results._spectrum_files import _key
from live_lce.settings import AnalysisSettings
from live_lce.spectra import to_grid
from live_lce.tiled import EmbeddedTiled

__all__ = ["runs", "server"]  # fixtures

PROVENANCE = {
    "raw_uid": FIRST,
    "raw_stream": "primary",
    "raw_start": "2025-10-09T08:53:20+00:00",
    "sample": "hematite",
    "scan_id": "7",
    "attempt": "1",
    "label": "O6",
    "confidence": "0.875",
    "p_O6": "0.875",
    "model": MODEL.name,
    "model_version": MODEL.version,
    "model_sha256": MODEL.sha256,
    "settings_hash": AnalysisSettings().digest,
    "edge_reference": "7120.0",
    "nnorm": "1.0",
}


@pytest.fixture
def found(runs: Any) -> list[PublishedSpectrum]:
    """The two spectra that were published."""
    return spectra(runs, RunQuery())


def test_spectra_are_as_they_were_published(found: list[PublishedSpectrum]) -> None:
    assert [s.run.analysis.raw_uid for s in found] == [FIRST, SECOND]  # refused: no spectrum
    published = a_spectrum()
    grid = np.asarray(relative_grid())
    norm, valid = to_grid(published.energy, published.norm, published.edge_reference, grid)
    for spectrum in found:
        np.testing.assert_array_equal(spectrum.energy, (grid + 7120.0)[valid])
        np.testing.assert_array_equal(spectrum.norm, norm[valid])
    assert 100 < valid.sum() < len(grid)  # the scan ended before the grid did
    assert {k: v for k, v in found[0].provenance().items() if k in PROVENANCE} == PROVENANCE
    assert "xraylarch " in found[0].provenance()["versions"]
    assert found[0].row["final"] == 1 and found[1].row["label"] == "S5"


def test_spectra_by_uid(server: EmbeddedTiled, found: list[PublishedSpectrum]) -> None:
    for uid in (SECOND, SECOND[:8], found[1].run.analysis.uid):
        (spectrum,) = spectra(server.uri, uid, api_key=server.api_key)
        assert spectrum.name == found[1].name
    assert spectra(server.uri, THIRD, api_key=server.api_key) == []


def test_several_spectra_of_one_run_keep_apart(server: EmbeddedTiled, tmp_path: Path) -> None:
    client = server.client()
    container = client.create_container("several")
    labels = ("T4", "S5", "O6")
    results = [a_result(i, run=FIRST_RUN, label=label) for i, label in enumerate(labels)]
    publish(container, tmp_path / "spool", *results)
    several = spectra(container, FIRST)
    client.context.close()
    assert [s.spectrum_index for s in several] == [0, 1, 2]
    assert [s.row["label"] for s in several] == [*labels]
    assert len(export(several, tmp_path / "xdi")) == 3
    (project,) = export(several, tmp_path / "three.prj")
    assert len(read_spectra(project)) == 3


@pytest.mark.parametrize("use_pyxdi", [True, False])
def test_xdi(found: list[PublishedSpectrum], tmp_path: Path, use_pyxdi: bool) -> None:
    from larch.io import read_xdi

    files = export(found, tmp_path / "out")
    for file, spectrum in zip(files, found, strict=True):
        read = read_xdi(str(file), use_pyxdi=use_pyxdi)
        np.testing.assert_array_equal(read.energy, spectrum.energy)
        np.testing.assert_array_equal(read.norm, spectrum.norm)
        assert read.attrs["element"] == {"symbol": "Fe", "edge": "K"}
        # XDI's words are in lower case to larch; a line break is none of a header's
        known = {k.lower(): " ".join(v.split()) for k, v in spectrum.provenance().items()}
        assert {k: str(v) for k, v in read.attrs["livelce"].items()} == known
    assert read.attrs["sample"]["name"] == " ".join(AWKWARD.split())


def test_athena(
    found: list[PublishedSpectrum], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from larch.io import read_athena

    (file,) = export(found, tmp_path / "out.prj")
    project = read_athena(str(file))
    assert "ignoring" not in capsys.readouterr().out
    groups = list(project.groups.values())
    assert [g.athena_id for g in groups] == [_key(0), _key(1)]
    for group, spectrum in zip(groups, found, strict=True):
        np.testing.assert_array_equal(group.energy, spectrum.energy)
        np.testing.assert_array_equal(group.mu, spectrum.norm)
        assert (group.atsym, group.edge, group.athena_params.is_nor) == ("Fe", "K", 1.0)
        titles = dict(line.split(": ", 1) for line in group.athena_params.titles)
        known = spectrum.provenance()
        assert titles.keys() == known.keys()
        for name in PROVENANCE.keys() - {"sample"}:
            assert titles.get(name) == known.get(name), name
    # Athena evaluates what it reads: nothing of a sample's name may be code
    assert not set("'\"$@\\`{}[]") & set("".join(groups[1].athena_params.titles))


def test_athena_projects_are_normalized_input_to_classify(
    found: list[PublishedSpectrum], tmp_path: Path
) -> None:
    (file,) = export(found, tmp_path / "out.prj")
    for read, spectrum in zip(read_spectra(file), found, strict=True):
        np.testing.assert_array_equal(read.spectrum.mu, spectrum.norm)
        assert (read.spectrum.absorber, read.spectrum.edge) == ("Fe", "K")
        assert read.spectrum.normalized is True


def test_xdi_files_are_normalized_input_to_classify(
    found: list[PublishedSpectrum], tmp_path: Path
) -> None:
    for file, spectrum in zip(export(found, tmp_path / "out"), found, strict=True):
        (read,) = read_spectra(file)
        np.testing.assert_array_equal(read.spectrum.mu, spectrum.norm)
        assert read.spectrum.normalized is True


def test_nexus(found: list[PublishedSpectrum], tmp_path: Path) -> None:
    nexus = pytest.importorskip("nexusformat.nexus", reason="needs the extra `nexus`")
    (file,) = export(found, tmp_path / "out.nxs")
    root = nexus.nxload(str(file))
    assert str(root.attrs["file_name"]) == "out.nxs"
    assert root.get_default().nxpath.endswith("/data")
    entries = {str(e["entry_identifier_uuid"]): e for e in root.NXentry}
    for spectrum in found:
        entry = entries[spectrum.run.analysis.uid]
        data = entry["data"]
        assert data.nxsignal.nxname == "norm" and data.nxaxes[0].nxname == "energy"
        np.testing.assert_array_equal(data["energy"].nxdata, spectrum.energy)
        np.testing.assert_array_equal(data["norm"].nxdata, spectrum.norm)
        assert data["energy"].attrs["units"] == "eV"
        assert str(entry["sample"]["name"]) == spectrum.run.sample
        assert str(entry["classification"]["label"]) == spectrum.row["label"]
        assert float(entry["classification"]["confidence"]) == 0.875
        assert json.loads(str(entry["provenance"]["data"])) == spectrum.provenance()
    root.nxfile.close()
    again = read_spectra(file)
    assert len(again) == len(found)
    for spectrum in found:
        assert any(
            np.array_equal(one.spectrum.mu, spectrum.norm)
            and np.array_equal(one.spectrum.energy, spectrum.energy)
            and one.spectrum.normalized
            and one.spectrum.absorber == spectrum.row["absorber"]
            and one.sample == spectrum.run.sample
            for one in again
        )


def test_without_nexusformat_the_module_is_named(
    found: list[PublishedSpectrum], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "nexusformat", None)
    monkeypatch.setitem(sys.modules, "nexusformat.nexus", None)
    with pytest.raises(ModuleNotFoundError, match="nexusformat"):
        export(found, tmp_path / "out.nxs")
    assert list(tmp_path.iterdir()) == []  # nothing is left of it


def test_files_are_not_replaced_unless_told(found: list[PublishedSpectrum], tmp_path: Path) -> None:
    first = export(found, tmp_path)[0]
    (tmp_path / "out.prj").write_text("mine")
    for path in (tmp_path, tmp_path / "out.prj"):
        with pytest.raises(ExportError, match="exists: choose another name"):
            export(found, path)
    assert (tmp_path / "out.prj").read_text() == "mine"
    first.write_text("old")
    export(found, tmp_path, overwrite=True)
    assert first.read_text().startswith("# XDI/1.0 live_lce/")
    assert len(list(tmp_path.iterdir())) == 3  # no unfinished file is left


def test_the_suffix_says_the_format(tmp_path: Path) -> None:
    names = {"a.prj": "athena", "b.nxs": "nexus", "c.H5": "nexus", "folder": "xdi"}
    for name, kind in names.items():
        assert format_of(tmp_path / name) == kind
    assert {*names.values()} == {*FORMATS}
    (tmp_path / "of.day").mkdir()
    assert format_of(tmp_path / "of.day") == "xdi"
    with pytest.raises(ExportError, match=r"\.prj"):
        format_of(tmp_path / "table.csv")
    with pytest.raises(ExportError, match="no spectra"):
        export([], tmp_path / "out.prj")


def test_the_keys_of_athena_groups_differ() -> None:
    keys = [_key(number) for number in range(20_000)]
    assert len({*keys}) == 20_000 and all(len(k) == 5 and k.isalpha() for k in keys)
