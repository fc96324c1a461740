"""A user's own standards as samples of the simulated beamline."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from cli_parts import write_scan
from train_parts import write_folder

from live_lce.sim.library import Sample, mixture
from live_lce.sim.own_spectra import OwnSpectraError, measured_standard, read_standards
from live_lce.sim.reaction import Reaction, Sigmoid
from live_lce.sim.world import World


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("own") / "standards")


def test_a_folder_becomes_samples_with_a_truth(folder: Path) -> None:
    own = read_standards(folder)
    assert len(own) == 14 and {s.absorber for s in own.values()} == {"Fe"}
    sample = mixture({"T4-0-0": 0.25, "O6-0-0": 0.75}, own)
    assert sample.truth == {"T4": 0.25, "O6": 0.75}
    energy = np.arange(7090.0, 7160.0, 0.5)
    parts = 0.25 * own["T4-0-0"].norm(energy) + 0.75 * own["O6-0-0"].norm(energy)
    np.testing.assert_allclose(sample.seen(energy), parts, err_msg="not broadened again")


def test_beyond_the_file_it_goes_on_smoothly(folder: Path) -> None:
    own = read_standards(folder)["O6-1-0"]
    first, last = own.energy[0], own.energy[-1]
    for end in (first, last):
        np.testing.assert_allclose(*own.norm([end - 0.01, end + 0.01]), atol=5e-3)
    assert abs(own.norm(last + 500.0) - 1.0) < 1e-4
    assert abs(own.norm(first - 500.0)) < abs(own.mu[0]) + 1e-6


def test_they_react_and_are_counted_as_they_were_measured(folder: Path) -> None:
    own = read_standards(folder)
    reaction = Reaction({"O6-0-0": 1.0}, {"T4-0-0": 1.0}, Sigmoid(0.0, 1.0), standards=own)
    assert reaction.sample(0.5).truth == {"O6": 0.5, "T4": 0.5}
    world = World(sample=reaction.sample(0.0), seed=1)
    absorbed = []
    for energy in (7050.0, 7200.0):
        world.move(energy)
        counts = world.count(time=100.0)
        absorbed.append(np.log(counts.i0 / counts.it))
    assert absorbed[1] - absorbed[0] == pytest.approx(1.0, abs=0.1)


def test_one_file(tmp_path: Path) -> None:
    standard = measured_standard(write_scan(tmp_path / "mine.xdi"), "O6")
    assert (standard.key, standard.absorber, standard.label) == ("mine", "Fe", "O6")
    assert Sample({"mine": 1.0}, standards={"mine": standard}).truth == {"O6": 1.0}


def test_errors_say_what_to_do(tmp_path: Path, folder: Path) -> None:
    scan = write_scan(tmp_path / "mine.xdi")
    with pytest.raises(OwnSpectraError, match="no label 'X9': use T4, S5, O6"):
        measured_standard(scan, "X9")
    with pytest.raises(OwnSpectraError, match=r"short\.xdi: covers .* needs -20 to \+50 eV"):
        measured_standard(write_scan(tmp_path / "short.xdi", last=7150.0), "O6")
    with pytest.raises(OwnSpectraError, match="no such file"):
        measured_standard(tmp_path / "none.xdi", "O6")
    with pytest.raises(OwnSpectraError, match=r"no index\.csv there"):
        read_standards(tmp_path)
    (tmp_path / "index.csv").write_text("file,label\nmine.xdi,other\n")
    with pytest.raises(OwnSpectraError, match="no row is labelled T4, S5, O6"):
        read_standards(tmp_path)
    (tmp_path / "index.csv").write_text("file,label\nmine.xdi,O6\nmine.xdi,T4\n")
    with pytest.raises(OwnSpectraError, match="two rows are called 'mine'"):
        read_standards(tmp_path)
    with pytest.raises(ValueError, match="No standard 'mne'"):
        mixture({"mne": 1.0}, read_standards(folder))
