"""Data files as facilities write them: names, units, headers, several spectra, other formats."""

from __future__ import annotations

import contextlib
from pathlib import Path

import h5py
import numpy as np
import pytest

from live_lce.archives._data_files import read_data_runs
from live_lce.contract import Reason
from live_lce.datafiles import FileError, FileSpectrum, read_spectra
from live_lce.datafiles._columns import parse_columns
from live_lce.datafiles._header import d_spacing, pairs, stated
from live_lce.datafiles._kinds import kind_of
from live_lce.datafiles._text import read_text
from live_lce.engine._roles import Roles
from live_lce.engine._signals import resolve
from live_lce.settings import Signals
from live_lce.spectra._energy import HC

ENERGY = np.arange(7000.0, 7300.0, 1.0)
EDGE = 0.3 + 0.5 + np.arctan((ENERGY - 7120) / 2) / np.pi
I0 = 1e5 * (1 + 0.1 * np.sin(ENERGY / 40))
IT = I0 * np.exp(-EDGE)


def text_of(*columns: np.ndarray, form: str = "{:.6f}", between: str = " ") -> str:
    rows = zip(*columns, strict=True)
    return "\n".join(between.join(form.format(v) for v in row) for row in rows) + "\n"


def spectra_of(tmp_path: Path, text: str | bytes, **options: object) -> list[FileSpectrum]:
    path = tmp_path / "a.dat"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_spectra(path, **options)  # type: ignore[arg-type]


def refused(tmp_path: Path, text: str | bytes, **options: object) -> str:
    with pytest.raises(FileError) as caught:
        spectra_of(tmp_path, text, **options)
    message = str(caught.value)
    assert "\n" not in message
    return message


ROWS = text_of(ENERGY, I0, IT)


@pytest.mark.parametrize(
    "header",
    [
        "# energy i0 itrans\n# eV counts counts\n",
        "#C 1_Energy (eV) 2_i0 3_i1\n",
        "#F x\n#S 1 ascan\n#N 3\n#L Mono Energy  Monitor  I1\n",
        "#S 7 zapline mono\n#ZapEnergy Mon Ion1\n",
        "# Column.1: energy eV || 13IDE:En\n# Column.2: i0\n# Column.3: itrans\n",
        "%c\n a comment\n%d\n Col 1 MONO_ENERGY DOUBLE\n Col 2 I0 DOUBLE\n Col 3 I1 DOUBLE\n",
        "; P1 = {Energy} --> 13:E\n; D1 = {I0} --> x\n; D2 = {I1} --> y\n;---\n; P1 D1 D2\n",
        "Weights:\n 1.0 1.0\nOffsets:\n 0.0 0.0\nData:\nAchieved Energy  \nI0  \nI1  \n\n",
        "Energia;Curta\n3\nPhoton energy (eV)\tI0 (A)\tI1 (A)\t\t\n",
        "enc_energy, VFC01, VFC02\n",
        '"Energie"\t"i0"\t"itrans"\n',
        "eBraggEnergy Ioni1 Ioni2\n# made by hand, twice\n",
    ],
)
def test_names_as_facilities_write_them(tmp_path: Path, header: str) -> None:
    (found,) = spectra_of(tmp_path, header + ROWS)
    np.testing.assert_allclose(found.spectrum.energy, ENERGY)
    np.testing.assert_allclose(found.spectrum.mu, EDGE, atol=1e-9)
    assert found.spectrum.mode == "transmission"


def test_names_in_columns_of_fixed_width(tmp_path: Path) -> None:
    names = ("Mono Energy *", "Scaler preset time *", "I0", "Detector 2 It")
    header = "#" + "".join(f"{name:<21}" for name in names).rstrip() + "\n"
    rows = text_of(ENERGY, ENERGY * 0 + 1, I0, IT, form="{:21.6f}", between="")
    (found,) = spectra_of(tmp_path, header + rows)
    assert found.columns == "ln(I0/Detector 2 It), energy = Mono Energy"


@pytest.mark.parametrize(
    ("encoding", "form", "between"),
    [
        ("utf-16", "{:.6f}", "\t"),
        ("utf-16-le", "{:.6f}", "\t"),
        ("utf-8-sig", "{:.6f}", ","),
        ("latin-1", "{:.6E}", ";"),
        ("utf-8", '"{:.6f}"', ","),
    ],
)
def test_encodings(tmp_path: Path, encoding: str, form: str, between: str) -> None:
    header = f"Temperature 20 °C\nEnergy{between}I0{between}It\n"
    text = header + text_of(ENERGY, I0, IT, form=form, between=between)
    (found,) = spectra_of(tmp_path, text.encode(encoding))
    np.testing.assert_allclose(found.spectrum.mu, EDGE, atol=1e-5)


@pytest.mark.parametrize("between", ["\t", ";", "  "])
def test_decimal_commas_and_d_exponents(tmp_path: Path, between: str) -> None:
    text = text_of(ENERGY, I0, IT, between=between).replace(".", ",")
    names = between.join(("Energie", "I0", "It"))
    (found,) = spectra_of(tmp_path, f"{names}\n{text}")
    np.testing.assert_allclose(found.spectrum.mu, EDGE, atol=1e-6)
    text = text_of(ENERGY, I0, IT, form="{:.9E}", between=between).replace("E", "D")
    (found,) = spectra_of(tmp_path, f"# {names}\n{text}")
    np.testing.assert_allclose(found.spectrum.mu, EDGE, atol=1e-6)


def test_dates_and_flags_are_columns_too(tmp_path: Path) -> None:
    rows = "".join(
        f"{n // 28 + 1:02}/07/2012 13:24:15 {energy:.4f} ok {i0:.4f} {it:.4f}\n"
        for n, (energy, i0, it) in enumerate(zip(ENERGY, I0, IT, strict=True))
    )
    (found,) = spectra_of(tmp_path, "Data Hora Energia Flag I0 It\n" + rows)
    np.testing.assert_allclose(found.spectrum.mu, EDGE, atol=1e-6)
    (found,) = spectra_of(tmp_path, rows, columns=parse_columns("energy=3,i0=5,it=6"))
    np.testing.assert_allclose(found.spectrum.mu, EDGE, atol=1e-6)


def test_wrapped_rows_are_joined(tmp_path: Path) -> None:
    first, second = text_of(ENERGY, I0, I0 * 2).split("\n"), text_of(IT, I0).split("\n")
    text = "\n".join(f"{a}\n   {b}" for a, b in zip(first, second, strict=True))
    (found,) = spectra_of(tmp_path, text, columns=parse_columns("energy=1,i0=2,it=4"))
    np.testing.assert_allclose(found.spectrum.mu, EDGE, atol=1e-6)


def test_rows_of_zeros_are_no_energies(tmp_path: Path) -> None:
    for padding in ("0 0 0\n", "0 5 5\n"):
        (found,) = spectra_of(tmp_path, "# energy i0 it\n" + ROWS + padding * 6)
        energy = found.spectrum.energy
        np.testing.assert_array_equal(energy[np.isfinite(energy)], ENERGY)
        assert energy.size - ENERGY.size == 6  # quality control leaves these out, and says so
        assert found.spectrum.used.n_without_beam == 0


@pytest.mark.parametrize(
    ("units", "factor"),
    [("deg", 1.0), ("mrad", np.pi / 0.18), ("mdeg", 1e3), ("arcsec", 3600.0), ("rad", np.pi / 180)],
)
def test_angles_in_any_units(tmp_path: Path, units: str, factor: float) -> None:
    spacing = 5.43102 / np.sqrt(3)
    angle = np.degrees(np.arcsin(HC / (2 * spacing * ENERGY))) * factor
    header = f"# DCM Crystal = Si(111)\n# Bragg angle ({units}), I0, It\n"
    (found,) = spectra_of(tmp_path, header + text_of(angle, I0, IT, form="{:.9f}"))
    np.testing.assert_allclose(found.spectrum.energy, ENERGY, rtol=1e-6)
    other = header.replace("Si(111)", "unknown")
    assert "names no single crystal" in refused(tmp_path, other + text_of(angle, I0, IT))


def test_headers_say_what_is_measured() -> None:
    cases = {
        "# Element.symbol: Fe\n# Element.edge: K": ("Fe", "K", None),
        "; ScanParameters.element: As\n; ScanParameters.edge: K": ("As", "K", None),
        "# Element: iron  Edge: k": ("Fe", "K", None),
        "E0= 5989.00": ("", "", 5989.0),
        "# E0 (eV) = 8979": ("", "", 8979.0),
        "# E0=20000.0   Eshift=4.2": ("", "", 20000.0),
        "# exafs_edge_energy: 7.112 keV": ("", "", 7112.0),
        "Diffraction element= Si (311).  Ring energy= 2.80 GeV": ("", "", None),
        "# Edge energy: none": ("", "", None),
    }
    for text, expected in cases.items():
        found = stated(pairs(text.splitlines()), text)
        assert (found.absorber, found.edge, found.hint_energy) == expected, text


def test_crystals_and_times() -> None:
    assert d_spacing(pairs(["Mono.d_spacing: 3.13550"]), "") == 3.1355
    assert d_spacing({}, "Mono :  Si(111)   D=  3.13551 A   Initial angle") == 3.13551
    assert d_spacing({}, "DCM:Si(311)") == pytest.approx(1.6375, abs=1e-4)
    assert d_spacing({}, "Si111 and Si 220") is None
    for text in ("Scan.start_time: 2007-05-20 10:00:00", "#D Sun May 20 10:00:00 2007"):
        assert np.isfinite(stated(pairs([text]), text).time)
    assert np.isnan(stated({}, "started at 02-06-2021 21:04:31").time)  # February or June


def test_each_scan_of_a_spec_file_is_a_spectrum(tmp_path: Path) -> None:
    scan = "#S {} ascan energy\n#D Sun Nov 12 17:20:02 2017\n#C a\n#L energy  I0  I1\n{}\n"
    other = "#S 2 ascan samx 0 1 9 1\n#L samx  I0  I1\n0 1 2\n1 1 2\n2 1 3\n3 1 2\n"
    spectra = "@A 1 2 3\\\n 4 5\n"
    rows = ROWS.replace("\n", f"\n{spectra}", 40)
    text = "#F x\n#E 1\n\n" + scan.format(1, rows) + other + scan.format(3, ROWS)
    found = spectra_of(tmp_path, text + scan.format(1, ROWS) + "#S 5 aborted\n#L energy  I0\n")
    assert [one.name for one in found] == ["1.1", "3", "1.2"]
    assert all(one.spectrum.energy.size == ENERGY.size for one in found)
    assert np.isfinite([one.time for one in found]).all()
    assert "1 of 4 tables left out: 2:" in found[0].columns


def test_repeated_tables_scans_sweeps_and_columns(tmp_path: Path) -> None:
    table = "# energy i0 it\n" + ROWS
    found = spectra_of(tmp_path, table + "# a new one\n" + table)
    assert [one.name for one in found] == ["1", "2"]
    numbers = np.repeat([1.0, 2.0], ENERGY.size)
    columns = [np.tile(values, 2) for values in (ENERGY, I0, IT)]
    found = spectra_of(tmp_path, "# scan energy i0 it\n" + text_of(numbers, *columns))
    assert [one.name for one in found] == ["scan 1", "scan 2"]
    down = [np.concatenate([values, values[::-1]]) for values in (ENERGY, I0, IT)]
    found = spectra_of(tmp_path, "# energy i0 it\n" + text_of(*down))
    assert [one.name for one in found] == ["sweep 1", "sweep 2"]
    assert {f.reason for f in found[0].spectrum.findings} == {Reason.SWEEPS_SPLIT}
    beam = np.where(np.arange(ENERGY.size) < ENERGY.size // 3, 1.0, 1e-4)  # lost to its end
    dark = (ENERGY, I0 * beam, IT * beam)
    lost = [np.concatenate(pair) for pair in zip((ENERGY, I0, IT), dark, strict=True)]
    (one,) = spectra_of(tmp_path, "# energy i0 it\n" + text_of(*lost))
    assert one.name == "sweep 1" and "sweep 2 left out: " in one.spectrum.findings[-1].detail
    for names in ("E std1 std2", "energy xmu xmu"):
        found = spectra_of(tmp_path, f"{names}\n" + text_of(ENERGY, EDGE, 2 * EDGE))
        assert [one.spectrum.mu[0] for one in found] == pytest.approx(
            [EDGE[0], 2 * EDGE[0]], abs=1e-6
        )
        assert len({one.name for one in found}) == 2


def test_a_remark_between_rows_begins_no_table(tmp_path: Path) -> None:
    text = "# energy i0 it\n" + ROWS.replace("\n7100", "\n# beam lost\n\n7100")
    (found,) = spectra_of(tmp_path, text)
    assert found.spectrum.energy.size == ENERGY.size and not found.spectrum.findings


def test_numbers_decide_where_names_are_silent(tmp_path: Path) -> None:
    other = ENERGY * 0 + 2
    rows = text_of(ENERGY, ENERGY + 0.01, I0, IT, EDGE, other)
    (found,) = spectra_of(tmp_path, rows)
    assert found.columns == "ln(column 3/column 4), energy = column 1"
    assert {f.reason for f in found.spectrum.findings} == {Reason.SIGNAL_CHOSEN}
    foil = IT * np.exp(-EDGE / 2)
    (found,) = spectra_of(tmp_path, "x a b c d\n" + text_of(ENERGY, other, I0, IT, foil))
    assert found.columns == "ln(b/c), energy = x" and found.spectrum.reference is not None
    # Fluorescence beside I0 has the same ratio: nothing says which is which.
    message = refused(tmp_path, "x a b c\n" + text_of(ENERGY, I0 * EDGE, I0, other))
    assert "1 x (7000 ...)" in message and "--columns, e.g. energy=1" in message


def test_dark_offsets_hold_for_foils_too(tmp_path: Path) -> None:
    foil = IT * np.exp(-EDGE / 2)
    text = "# energy i0 it ir\n" + text_of(ENERGY, I0 + 50, IT + 60, foil + 70)
    dark = Signals(dark={"i0": 50.0, "it": 60.0, "ir": 70.0})
    (found,) = spectra_of(tmp_path, text, signals=dark)
    assert found.spectrum.reference is not None
    np.testing.assert_allclose(found.spectrum.mu, EDGE, atol=1e-6)
    np.testing.assert_allclose(found.spectrum.reference, EDGE / 2, atol=1e-6)


def test_long_lines_are_no_burden(tmp_path: Path) -> None:
    n = 2_000_000
    for line in ("# a" + " " * n + "!", "# " + "a " * n, "# " + "-=" * n, "# " + "a," * n):
        (found,) = spectra_of(tmp_path, f"{line}\n{ROWS}", columns=parse_columns("energy=1,mu=2"))
        assert found.spectrum.energy.size == ENERGY.size
    project = "# Athena project file -- Demeter version 0.9.26\n$old_group = 'x';\n@args = ("
    for quotes in ("'" + "\\'" * n, '"\\' * n):
        assert "damaged Athena project" in refused(tmp_path, f"{project}{quotes});\n[record]\n")


def write_entries(path: Path) -> Path:
    with h5py.File(path, "w") as file:
        for name in ("1.1", "2.1"):
            entry = file.create_group(name)
            entry.attrs["NX_class"] = "NXentry"
            entry["title"], entry["start_time"] = "ascan", "2024-05-01T10:00:00"
            entry["instrument/p201/i0"], entry["instrument/p201/it"] = I0, IT
            entry["measurement/energy_enc"] = ENERGY / 1000
            entry["measurement/I0"] = h5py.SoftLink(f"/{name}/instrument/p201/i0")
            entry["measurement/I1"] = h5py.SoftLink("../instrument/p201/it")
            entry["measurement/mca"] = np.zeros((ENERGY.size, 40))
    return path


def test_scans_of_bliss(tmp_path: Path) -> None:
    found = read_spectra(write_entries(tmp_path / "a.h5"))
    assert [one.name for one in found] == ["1.1", "2.1"]
    for one in found:
        np.testing.assert_allclose(one.spectrum.mu, EDGE)
        np.testing.assert_allclose(one.spectrum.energy, ENERGY)
        assert np.isfinite(one.time)


def test_damaged_hdf5_is_refused_or_read(tmp_path: Path) -> None:
    content = write_entries(tmp_path / "whole.h5").read_bytes()
    path = tmp_path / "a.h5"
    for at in range(16, len(content), len(content) // 60):
        path.write_bytes(content[:at] + bytes(b ^ 0xFF for b in content[at : at + 40]))
        with contextlib.suppress(FileError):
            read_spectra(path)
        path.write_bytes(content[:at] + b"\xff" + content[at + 1 :])
        with contextlib.suppress(FileError):
            read_spectra(path)


def test_nxxas_with_mu_and_with_counts(tmp_path: Path) -> None:
    path = tmp_path / "a.nxs"
    for counts in (False, True):
        with h5py.File(path, "w") as file:
            entry = file.create_group("entry")
            entry.attrs["NX_class"] = "NXentry"
            entry["definition"], entry["element"], entry["edge"] = "NXxas", "Fe", "K"
            data = entry.create_group("data")
            data.attrs["NX_class"] = "NXdata"
            data["energy"], data["absorbed_beam"] = ENERGY, EDGE * I0 if counts else EDGE
            data["energy"].attrs["units"] = "eV"
            if counts:
                entry["monitor/data"] = I0
        (found,) = read_spectra(path)
        np.testing.assert_allclose(found.spectrum.mu, EDGE)
        assert (found.spectrum.absorber, found.spectrum.edge) == ("Fe", "K")


def test_hdf5_leads_to_no_other_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["energy"], file["mu"] = ENERGY, EDGE
    (tmp_path / "raw").write_bytes(EDGE.tobytes())
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["link/energy"], file["virtual/energy"], file["raw/energy"] = ENERGY, ENERGY, ENERGY
        file["link/mu"] = h5py.ExternalLink("secret.h5", "mu")
        file["all"] = h5py.ExternalLink("secret.h5", "/")
        file["soft/energy"], file["soft/mu"] = ENERGY, h5py.SoftLink("/all/mu")
        layout = h5py.VirtualLayout(shape=EDGE.shape, dtype="f8")
        layout[:] = h5py.VirtualSource(str(secret), "mu", shape=EDGE.shape)
        file.create_virtual_dataset("virtual/mu", layout)
        storage = [(str(tmp_path / "raw"), 0, EDGE.nbytes)]
        file.create_dataset("raw/mu", shape=EDGE.shape, dtype="f8", external=storage)
    with pytest.raises(FileError, match="4 of its links and arrays lie in other files"):
        read_spectra(path)
    path.write_bytes(b"\x89HDF\r\n\x1a\n and then nothing")
    with pytest.raises(FileError, match="HDF5"):
        read_spectra(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\n\n\xfe\xfe\0\0\0\0", "Bruker OPUS"),
        (b"%PDF-1.7\n", "PDF"),
        (b"PK\x03\x04 xl/", "xlsx"),
        (b"\x89PNG\r\n\0", "PNG image"),
        (b'["start", {"uid": "x"}]\n', "use `live-lce replay`"),
        (b'[\n["start", {"uid": "x"}]]', "use `live-lce replay`"),
        (b"\x92\xa5start\x81\xa3uid", "use `live-lce replay`"),
        (b"<?xml version='1.0'?>", "XML"),
        (bytes(range(256)), "binary data of an unknown format"),
        (b"\0", "binary data"),
        (b"a text\nwithout numbers\n", "text without a table of numbers"),
    ],
)
def test_what_is_refused_is_called_by_its_name(tmp_path: Path, content: bytes, said: str) -> None:
    assert said in refused(tmp_path, content)


def test_kinds_are_told_by_path_too(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"\n\n\xfe\xfe")
    assert kind_of(path)[0] == "Bruker OPUS"


def test_any_table_can_be_rescued(tmp_path: Path) -> None:
    odd = "free text: 12 of 14\n1 2 3\n\nmore = 5\n" + text_of(ENERGY, I0, IT) + "end of file\n"
    (found,) = spectra_of(tmp_path, odd, columns=parse_columns("energy=1,i0=2,it=3"))
    np.testing.assert_allclose(found.spectrum.mu, EDGE, atol=1e-6)


def test_header_tables_are_header() -> None:
    text = "Block Init Final Step\n 1 7000 7100 5\n 2 7100 7300 1\nspectrum\n139\n" + ROWS
    (table,) = read_text(text)
    assert table.values.shape == (ENERGY.size, 3)


def test_files_of_fifteen_facilities(shared: Path) -> None:
    expected = {
        "aps-13bm.dat": "ln(I0/I1), energy = Energy",
        "cls-hxma.dat": "ln(BL1606-ID1:mcs04:fbk/BL1606-ID1:mcs05:fbk)",
        "desy-doris.fio": "ln(CUSI_0036_C1/CUSI_0036_C2), energy = CUSI_0036",
        "desy-p65.xdi": "ln(VFC02/VFC03), energy = ",
        "elettra-xafs.txt": "ln(column 3/column 4), energy = column 1",
        "esrf-bm23.dat": "ln(Mon/Ion1), energy = ZapEnergy",
        "kit-catact.spec": "ln(Ioni2/Ioni3), energy = Energy",
        "lnls.dat": "Ge15/Curta, energy = Energia",
        "nsls-ii-bmm.xdi": "(DTC1+DTC2+DTC3+DTC4)/I0, energy = energy",
        "nsls-x23a2-xdac.dat": "(Ifch1+Ifch2+Ifch3+Ifch4)/I0, energy = Energy",
        "photon-factory-bl9a.dat": "fluorescence/i0, energy = observed_angle",
        "slri-bl8.txt": "ln(I0/I1), energy = Energy",
        "soleil-rock.txt": "normalized, energy = shifted energy",
        "srs-daresbury.dat": "ln(i0/it), energy = angle",
        "ssrl-2-3.dat": "ln(I0/I1), energy = Achieved Energy",
    }
    folder = shared / "data" / "formats"
    if not folder.exists():
        pytest.skip("without the files of fifteen facilities")
    for name, words in expected.items():
        (found,) = read_spectra(folder / name)
        assert words in found.columns, name
        assert found.spectrum.energy.size > 300 and np.isfinite(found.spectrum.mu).mean() > 0.9


def test_cases_of_files(shared: Path) -> None:
    folder = shared / "cases"
    if not folder.exists():
        pytest.skip("without the cases")
    several = {
        "bliss_two_scans.h5": ["1.1", "2.1"],
        "many_spectra_columns.dat": ["std1", "std2", "std3", "std4"],
        "scan_number_column.dat": ["scan 1", "scan 2"],
        "two_scans_in_spec.dat": ["1", "2"],
        "up_and_down_with_backlash.dat": ["sweep 1", "sweep 2"],
    }
    for name, names in several.items():
        assert [found.name for found in read_spectra(folder / name)] == names
    for path in sorted(folder.glob("*.*")):
        if path.suffix in {".md", ".jsonl", ".json", ".msgpack"} or path.name in several:
            continue
        (found,) = read_spectra(path)
        energy = found.spectrum.energy[np.isfinite(found.spectrum.energy)]
        assert energy.size in {139, 262} and 5300 < energy.min() < 7000, path.name


def test_settings_are_applied_once_also_to_runs_of_files(tmp_path: Path) -> None:
    """A file's names, mode and dark offsets mean nothing in the documents made of it."""
    foil = IT * np.exp(-EDGE / 2)
    path = tmp_path / "a.dat"
    path.write_text("E0= 7112\nmono a it ir\n" + text_of(ENERGY, I0 + 50, IT + 60, foil + 70))
    dark = {"a": 50.0, "it": 60.0, "ir": 70.0}
    signals = Signals(energy="mono", i0="a", it="it", mode="transmission", dark=dark)
    (found,) = read_spectra(path, signals=signals)
    (run,) = read_data_runs(path, signals=signals)
    documents = list(run.documents())
    roles = resolve(documents[0][1], documents[1][1], signals)
    assert isinstance(roles, Roles) and roles.mode == "" and roles.mu == "mu" and not roles.dark
    assert roles.given.hint_energy == found.spectrum.hint_energy == 7112.0


def test_the_region_of_interest_that_shows_the_edge(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(900, 30, ENERGY.size)
    text = "# energy i0 xs1_roi1 xs1_roi2\n" + text_of(ENERGY, I0, noise, 0.02 * I0 * EDGE)
    (found,) = spectra_of(tmp_path, text)
    assert found.spectrum.used.signal == "xs1_roi2/i0"
    assert Reason.SIGNAL_CHOSEN in {finding.reason for finding in found.spectrum.findings}


SAME = "# energy i0 it\n"


def padded(values: np.ndarray, at: int, pad: float) -> np.ndarray:
    return np.insert(values, [at] * 8, pad)


@pytest.mark.parametrize("pad", [0.0, -1.0, np.nan, 9999.0, 99999.0, 1e30])
@pytest.mark.parametrize("at", [0, 30, len(ENERGY)])
def test_placeholders_are_no_energies(tmp_path: Path, pad: float, at: int) -> None:
    rows = text_of(*(padded(v, at, pad) for v in (ENERGY, I0, IT)))
    (found,) = spectra_of(tmp_path, SAME + rows)
    energy = found.spectrum.energy[np.isfinite(found.spectrum.energy)]
    assert energy.min() == ENERGY[0] and energy.max() == ENERGY[-1]


@pytest.mark.parametrize("name", ["Scan Nr.", "run", "cycle", "Spectrum ID", "rep", "N"])
@pytest.mark.parametrize("mixed", [False, True])
def test_columns_of_scan_numbers(tmp_path: Path, name: str, mixed: bool) -> None:
    columns = [np.repeat([1.0, 2.0], len(ENERGY))]
    columns += [np.tile(v, 2) for v in (ENERGY, I0, IT)]
    if mixed:
        order = np.argsort(columns[1], kind="stable")
        columns = [column[order] for column in columns]
    text = f"{name},energy,i0,it\n" + text_of(*columns, between=",")
    one, two = spectra_of(tmp_path, text)
    for found in (one, two):
        np.testing.assert_allclose(found.spectrum.energy, ENERGY)


def test_a_point_number_is_no_scan_number(tmp_path: Path) -> None:
    text = "N energy i0 it\n" + text_of(np.arange(150.0), ENERGY[:150], I0[:150], IT[:150])
    (found,) = spectra_of(tmp_path, text)
    assert len(found.spectrum.energy) == 150


def test_an_energy_that_is_called_an_angle(tmp_path: Path) -> None:
    header = "# bragg1 I0 It Iref\n"
    (found,) = spectra_of(tmp_path, header + text_of(ENERGY, I0, IT, IT))
    np.testing.assert_allclose(found.spectrum.energy, ENERGY)
    assert any("bragg1: energies in eV" in f.detail for f in found.spectrum.findings)
    angle = 1000 * np.degrees(np.arcsin(HC / 2 / 3.1356 / ENERGY))
    assert "no single crystal" in refused(tmp_path, header + text_of(angle, I0, IT, IT))


@pytest.mark.parametrize("angles", [False, True])
def test_srs_scans_that_go_down(tmp_path: Path, angles: bool) -> None:
    """The axis of SRS files falls: angles of a scan upward, or energies of one downward."""
    axis = 1000 * np.degrees(np.arcsin(HC / 2 / 3.1356 / ENERGY)) if angles else ENERGY[::-1]
    channel = I0 * EDGE / 50
    columns = [np.full(len(ENERGY), 1000.0), I0, I0 / 3, channel * 4, I0 / 5, *[channel] * 4]
    columns = columns if angles else [column[::-1] for column in columns]
    head = (
        " &SRS\n SRSRUN=1,SRSDAT=990713,SRSTIM=120000,\n SRSSTN='D26 ',SRSPRJ='x ',SRSEXP='y ',\n"
        " SRSTLE='rust'\n SRSCN1='a ',SRSCN2='b ',SRSCN3='c ',\n &END\n"
    )
    (found,) = spectra_of(tmp_path, head + text_of(axis, *columns, form="{:12.2f}"))
    assert any("no header says" in finding.detail for finding in found.spectrum.findings)
    np.testing.assert_allclose(np.sort(found.spectrum.energy), ENERGY, atol=0.02)


def test_steps_of_a_motor(tmp_path: Path) -> None:
    steps = 4000 * np.degrees(np.arcsin(HC / 2 / 1.92017 / ENERGY))
    head = (
        " NPTS  NS FEEDGE  FEHITE   DSPACE  STPDEG  STEPMM  START    STOP     SCALE\n"
        "  300   4  84294. 200000. 1.92017   4000.   3150.  85290.  74500.    2.000\n"
        "  DELTA:     50.      8.     16.     32.     46.\n"
        " DELEND:  84788.  83804.  81216.  76752.  71076.\n"
        "    SEC:   2.000   2.000   2.000   2.000   2.000\n"
        " OFFSET: 1830. 1937.  366.  851.    4.    6.  137.    4.    6.   18.  641.    3.\n"
        "RUST IN AIR                        7   9  6-10-99\n"
    )
    text = head + text_of(steps, I0, IT, I0 * EDGE / 50, IT, form="{:12.3f}")
    (found,) = spectra_of(tmp_path, text)
    np.testing.assert_allclose(found.spectrum.energy, ENERGY, atol=0.01)


def test_errors_and_second_axes_are_no_signals(tmp_path: Path) -> None:
    (found,) = spectra_of(tmp_path, "energy data errors\n" + text_of(ENERGY, EDGE, EDGE / 100))
    np.testing.assert_allclose(found.spectrum.mu, EDGE, atol=1e-6)
    text = "E1 mu1 E2 mu2\n" + text_of(ENERGY, EDGE, ENERGY, 2 * EDGE)
    assert [found.name for found in spectra_of(tmp_path, text)] == ["mu1", "mu2"]
    assert "columns 1 energy" in refused(tmp_path, "energy i0\n" + text_of(ENERGY, I0))


def test_groups_without_an_entry(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        for name in ("first", "second"):
            file[f"{name}/energy"], file[f"{name}/mu"] = ENERGY, EDGE[:, None]
    assert [found.name for found in read_spectra(path)] == ["first", "second"]


def test_nxxas_in_transmission(tmp_path: Path) -> None:
    path = tmp_path / "a.nxs"
    with h5py.File(path, "w") as file:
        entry = file.create_group("entry")
        entry.attrs["NX_class"] = "NXentry"
        entry["mode"], entry["monitor/data"] = "Transmission", I0
        entry["data/energy"], entry["data/absorbed_beam"] = ENERGY, IT
        entry["data"].attrs["NX_class"] = "NXdata"
    (found,) = read_spectra(path)
    np.testing.assert_allclose(found.spectrum.mu, EDGE)
