"""Reading spectra from text files: XDI, columns, and what is none of these."""

from __future__ import annotations

import gzip
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from live_lce.contract import Reason
from live_lce.datafiles import FileError, FileSpectrum, read_spectra
from live_lce.datafiles._columns import parse_columns
from live_lce.settings import Signals

ENERGY = np.arange(7000.0, 7300.0, 1.0)
EDGE = 0.3 + 0.5 + np.arctan((ENERGY - 7120) / 2) / np.pi
I0 = 1e5 * (1 + 0.1 * np.sin(ENERGY / 40))


def write(path: Path, header: str, *columns: np.ndarray, delimiter: str = " ") -> Path:
    rows = "\n".join(
        delimiter.join(repr(float(v)) for v in row) for row in zip(*columns, strict=True)
    )
    path.write_text(f"{header}{rows}\n", encoding="utf-8")
    return path


def only(path: Path, **options: object) -> FileSpectrum:
    (found,) = read_spectra(path, **options)  # type: ignore[arg-type]
    return found


XDI = """# XDI/1.0 test
# Column.1: energy eV || PV:E
# Column.2: i0 counts
# Column.3: itrans
# Column.4: irefer
# Element.symbol: Fe
# Element.edge: K
# Sample.name: rust
# ///
# a comment
# -----
# energy i0 itrans irefer
"""


def test_xdi_transmission_with_foil(tmp_path: Path) -> None:
    foil = 0.5 * EDGE
    it = I0 * np.exp(-EDGE)
    found = only(write(tmp_path / "a.xdi", XDI, ENERGY, I0, it, it * np.exp(-foil)))
    spectrum = found.spectrum
    np.testing.assert_allclose(spectrum.energy, ENERGY)
    np.testing.assert_allclose(spectrum.mu, EDGE, atol=1e-9)
    assert spectrum.reference is not None
    np.testing.assert_allclose(spectrum.reference, foil, atol=1e-9)
    assert (spectrum.absorber, spectrum.edge, spectrum.mode) == ("Fe", "K", "transmission")
    assert found.sample == "rust" and found.columns == "ln(i0/itrans), energy = energy"


def test_xdi_in_kev(tmp_path: Path) -> None:
    header = "# XDI/1.0\n# Column.1: energy keV\n# Column.2: mutrans\n# ///\n"
    found = only(write(tmp_path / "a.xdi", header, ENERGY / 1000, EDGE))
    np.testing.assert_allclose(found.spectrum.energy, ENERGY)
    assert [f.reason for f in found.spectrum.findings] == [Reason.UNITS_CONVERTED]


def test_xdi_bragg_angle(tmp_path: Path) -> None:
    spacing = 3.13467
    angle = np.degrees(np.arcsin(12398.4198 / (2 * spacing * ENERGY)))
    header = (
        "# XDI/1.0\n# Column.1: angle degrees\n# Column.2: mufluor\n# Mono.d_spacing: 3.13467\n"
    )
    found = only(write(tmp_path / "a.xdi", header, angle, EDGE))
    np.testing.assert_allclose(found.spectrum.energy, ENERGY, rtol=1e-7)
    without = write(tmp_path / "b.xdi", header.replace("Mono.d", "Mono.x"), angle, EDGE)
    assert reason_of(without) == Reason.ENERGY_UNITS_UNKNOWN
    assert only(without, signals=Signals(d_spacing=spacing)).spectrum.mu.size == ENERGY.size


def test_xdi_fluorescence_leaves_dead_channels_out(tmp_path: Path) -> None:
    names = ("energy", "xmu", "I0", "It", "Fe1", "Fe2", "Fe3", "Fe4")
    header = "# XDI/1.0\n# Element.symbol: Fe\n# Element.edge: K\n"
    header += "".join(f"# Column.{n}: {name}\n" for n, name in enumerate(names, start=1))
    channels = [I0 * EDGE * gain for gain in (1.0, 1.1, 0.9)]
    dead = np.zeros_like(I0)
    xmu = sum(channels) / I0  # as the beamline computes it
    path = write(tmp_path / "a.001", header, ENERGY, xmu, I0, I0 / 9, *channels, dead)
    found = only(path)
    assert found.spectrum.mode == "fluorescence"
    np.testing.assert_allclose(found.spectrum.mu, 3 * EDGE)
    (finding,) = found.spectrum.findings
    assert finding.reason == Reason.CHANNELS_EXCLUDED and "Fe4" in finding.detail
    without = only(path, signals=Signals(exclude=("Fe1",)))
    np.testing.assert_allclose(without.spectrum.mu, 2 * EDGE)


def test_a_mu_of_other_origin_is_taken_as_given(tmp_path: Path) -> None:
    header = "# energy xmu i0 fluor\n"
    found = only(write(tmp_path / "a.dat", header, ENERGY, EDGE, I0, I0 * 3 + ENERGY))
    assert found.spectrum.mode == "mu"
    np.testing.assert_allclose(found.spectrum.mu, EDGE)


@pytest.mark.parametrize(
    ("header", "delimiter"),
    [
        ("", " "),
        ("", "\t"),
        ("# energy mu\n", "  "),
        ("% made by hand\n; second kind of comment\n! third\n", " "),
        ("energy,mu\n", ","),
        ("Photon energy (eV);xmu\n", ";"),
        ("#%Name: Fe2O3/ Hematite\n#%Edge: K\n#%Det:  I0=N2, fluorescence\n", " "),
        ("\ufeff# element: Fe  edge: K\n#---\n# energy_eV mu\n", " "),
    ],
)
def test_two_columns(tmp_path: Path, header: str, delimiter: str) -> None:
    found = only(write(tmp_path / "a.txt", header, ENERGY, EDGE, delimiter=delimiter))
    np.testing.assert_allclose(found.spectrum.energy, ENERGY)
    np.testing.assert_allclose(found.spectrum.mu, EDGE)
    if "element" in header:
        assert (found.spectrum.absorber, found.spectrum.edge) == ("Fe", "K")


def test_numbers_as_others_write_them(tmp_path: Path) -> None:
    path = tmp_path / "a.dat"
    path.write_text("7.0D+03 1.0d-1\n+7001.5 nan\n7002, .5\n7003,\n\n7004 , 1E0\n")
    found = only(path).spectrum
    assert found.energy.tolist() == [7000.0, 7001.5, 7002.0, 7003.0, 7004.0]
    np.testing.assert_allclose(found.mu, [0.1, np.nan, 0.5, np.nan, 1.0])


def test_decimal_commas(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Energie;mu\n7000,5;0,25\n7001,5;0,5\n")
    assert only(path).spectrum.energy.tolist() == [7000.5, 7001.5]


def test_a_column_called_norm_is_declared_normalized(tmp_path: Path) -> None:
    header = "#  energy norm nbkg flat\n"
    found = only(write(tmp_path / "a.nor", header, ENERGY, EDGE, EDGE * 2, EDGE * 3))
    assert found.spectrum.normalized is True
    np.testing.assert_allclose(found.spectrum.mu, EDGE)


def test_a_chamber_without_beam_gives_way_to_fluorescence(tmp_path: Path) -> None:
    header = "# Energy Io FY FY_c It\n"
    zeros = np.zeros_like(I0)
    found = only(write(tmp_path / "a.dat", header, ENERGY, I0, I0 * EDGE, I0 * EDGE * 2, zeros))
    assert found.spectrum.mode == "fluorescence"
    np.testing.assert_allclose(found.spectrum.mu, 2 * EDGE)


def test_dead_i0_is_reported(tmp_path: Path) -> None:
    zeros = np.zeros_like(I0)
    spectrum = only(write(tmp_path / "a.dat", "# energy i0 it\n", ENERGY, zeros, I0)).spectrum
    assert Reason.DEAD_CHANNEL in {f.reason for f in spectrum.findings}
    assert np.isnan(spectrum.mu).all()


def test_configured_names_and_mode_are_used(tmp_path: Path) -> None:
    header = "# mono b x c a\n"
    it, odd = I0 * np.exp(-EDGE), np.sin(ENERGY)
    path = write(tmp_path / "a.dat", header, ENERGY, it, odd, I0 * EDGE, I0)
    assert reason_of(path) == Reason.SIGNALS_UNKNOWN
    names = Signals(energy="mono", i0="a", it="b", fluorescence=("c*",))
    np.testing.assert_allclose(only(path, signals=names).spectrum.mu, EDGE, atol=1e-9)
    names = names.model_copy(update={"mode": "fluorescence", "dark": {"a": 10.0}})
    np.testing.assert_allclose(only(path, signals=names).spectrum.mu, EDGE * I0 / (I0 - 10))


def test_columns_as_told(tmp_path: Path) -> None:
    bare = write(tmp_path / "a.dat", "", I0, ENERGY, I0 * EDGE, I0 * EDGE, np.sin(ENERGY) + EDGE)
    assert reason_of(bare) == Reason.SIGNALS_UNKNOWN
    told = only(bare, columns=parse_columns("energy=2,mu=5"))
    np.testing.assert_allclose(told.spectrum.mu, np.sin(ENERGY) + EDGE)
    told = only(bare, columns=parse_columns("energy=2, i0=1, if=3+4"))
    np.testing.assert_allclose(told.spectrum.mu, 2 * EDGE)
    assert reason_of(bare, columns=parse_columns("energy=2,mu=9")) == Reason.SIGNALS_UNKNOWN
    assert reason_of(bare, columns=parse_columns("energy=2,i0=1")) == Reason.SIGNALS_UNKNOWN
    for wrong in ("", "energy", "energy=", "e=1,mu=2"):
        with pytest.raises(ValueError, match="give columns as in"):
            parse_columns(wrong)


def reason_of(path: Path, **options: object) -> Reason:
    with pytest.raises(FileError) as caught:
        read_spectra(path, **options)  # type: ignore[arg-type]
    message = str(caught.value)
    assert "\n" not in message and str(path) in message
    return caught.value.finding.reason


def test_an_unreadable_file_names_itself(tmp_path: Path) -> None:
    path = tmp_path / "bad.dat"
    for content in (b"", b"  \n\n", b"\x89PNG\r\n\0\0", b"no numbers here\n", b"7000\n7001\n"):
        path.write_bytes(content)
        assert reason_of(path) == Reason.UNREADABLE_FILE
    assert reason_of(tmp_path / "missing.dat") == Reason.UNREADABLE_FILE
    assert reason_of(tmp_path) == Reason.UNREADABLE_FILE


def test_devices_and_pipes_are_not_waited_for(tmp_path: Path) -> None:
    assert reason_of(Path("/dev/zero")) == Reason.UNREADABLE_FILE
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert reason_of(pipe) == Reason.UNREADABLE_FILE


def test_huge_files_are_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge.dat"
    with path.open("wb") as file:
        file.truncate(10_000_000_000)  # sparse
    assert reason_of(path) == Reason.UNREADABLE_FILE
    bomb = tmp_path / "bomb.gz"
    with gzip.open(bomb, "wb", compresslevel=1) as file:
        for _ in range(70):
            file.write(b" " * 1_000_000)
    assert reason_of(bomb) == Reason.UNREADABLE_FILE


def test_gzipped_and_damaged(tmp_path: Path) -> None:
    plain = write(tmp_path / "a.dat", "# energy mu\n", ENERGY, EDGE)
    packed = tmp_path / "a.dat.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    np.testing.assert_allclose(only(packed).spectrum.mu, EDGE)
    packed.write_bytes(packed.read_bytes()[:-200])
    assert reason_of(packed) == Reason.UNREADABLE_FILE


def test_torn_rows_are_left_out_and_said(tmp_path: Path) -> None:
    path = tmp_path / "a.dat"
    rows = "".join(f"{7000 + n} {n / 10}\n" for n in range(30))
    for last in ("7030\n", "7030 1 2\n", "the end\n"):
        path.write_text(f"{rows}{last}{rows.replace('70', '71')}")
        spectrum = only(path).spectrum
        assert spectrum.energy.size == 60
        (finding,) = spectrum.findings
        assert finding.reason == Reason.POINTS_DROPPED and last.strip() in finding.detail
    path.write_text(rows + "7030 x 1\nfree text\n" * 8)
    assert reason_of(path) == Reason.UNREADABLE_FILE


def test_neither_ev_nor_kev(tmp_path: Path) -> None:
    path = write(tmp_path / "a.dat", "", np.linspace(1e6, 2e6, 50), np.linspace(0, 1, 50))
    assert reason_of(path) == Reason.ENERGY_UNITS_UNKNOWN


def test_a_header_without_rows_is_an_empty_scan(tmp_path: Path) -> None:
    path = tmp_path / "a.xdi"
    path.write_text(XDI)
    assert only(path).spectrum.energy.size == 0


def test_every_shared_file_is_read(shared: Path) -> None:
    folder = shared / "data" / "experimental"
    files = [p for p in sorted(folder.rglob("*")) if p.is_file()]
    tables = {path.name for path in files if path.suffix == ".parquet"}
    modes: Counter[str] = Counter()
    unread = []
    for path in files:
        try:
            (found,) = read_spectra(path)
        except FileError:
            unread.append(path.name)
            continue
        assert found.spectrum.energy.size == found.spectrum.mu.size >= 20, path
        low = np.nanmin(found.spectrum.energy)
        assert 100 < low < 30000, path
        modes[found.spectrum.mode] += 1
    assert {"README.md", "index.csv"} <= set(unread) <= {"README.md", "index.csv", *tables}
    assert modes["transmission"] > 90 and modes["fluorescence"] > 15


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # raised inside xraylarch
def test_xdi_is_read_as_xraylarch_reads_it(shared: Path) -> None:
    from larch.io import read_xdi

    files = sorted((shared / "data/experimental/raw").rglob("*.xdi"))[::7]
    assert len(files) > 10
    for path in files:
        theirs, ours = read_xdi(str(path)), only(path).spectrum
        np.testing.assert_allclose(ours.energy, theirs.energy, rtol=1e-12)
        if hasattr(theirs, "itrans"):
            # Where the file has mu itself, it is what the beamline computed, to fewer digits.
            rtol = 1e-12 if ours.used.mode == "transmission" else 1e-3
            np.testing.assert_allclose(ours.mu, np.log(theirs.i0 / theirs.itrans), rtol=rtol)
        assert (
            ours.absorber == theirs.element.decode()
            if isinstance(theirs.element, bytes)
            else theirs.element
        )
