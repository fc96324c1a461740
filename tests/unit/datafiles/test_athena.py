"""Athena projects, written by xraylarch and by hand."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from live_lce.contract import Reason
from live_lce.datafiles import FileError, read_spectra

ENERGY = np.arange(7000.0, 7400.0, 1.0)
EDGE = 0.3 + 0.5 + np.arctan((ENERGY - 7120) / 2) / np.pi


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of two groups with one label, made by xraylarch."""
    from larch import Group
    from larch.io import create_athena

    path = tmp_path / "two.prj"
    made = create_athena(str(path))
    for scale in (1.0, 2.0):
        made.add_group(Group(energy=ENERGY.copy(), mu=scale * EDGE, label="it's rust"))
    made.save()
    return path


def test_groups_written_by_xraylarch(project: Path) -> None:
    first, second = read_spectra(project)
    for found, scale in ((first, 1.0), (second, 2.0)):
        np.testing.assert_allclose(found.spectrum.energy, ENERGY)
        np.testing.assert_allclose(found.spectrum.mu, scale * EDGE, rtol=1e-6)
        assert (found.spectrum.absorber, found.spectrum.edge) == ("Fe", "K")
        assert found.name
        assert found.spectrum.normalized is None


def test_as_xraylarch_reads_it(project: Path) -> None:
    from larch.io import read_athena

    theirs = read_athena(str(project), do_preedge=False, use_hashkey=True)
    groups = list(theirs.groups.values())
    assert len(groups) == 2
    ours = read_spectra(project)
    for found, group in zip(ours, groups, strict=True):
        np.testing.assert_allclose(found.spectrum.energy, group.energy)
        np.testing.assert_allclose(found.spectrum.mu, group.mu)


PERL = """# Athena project file -- Demeter version 0.9.26

$old_group = 'abcde';
@args = ('bkg_eshift','-1.25','bkg_z','Cr','edge','k','is_nor','1','x',[],'label','a \\'b\\'');
@x = ('5980','5981','5982');
@y = ('0.0','0.5','1.0');
[record]   # create object and set arrays in Athena

$old_group = 'fghij';
@args = ('is_chi','1','label','chi');
@x = ('0','0.05');
@y = ('0','0');
[record]

@journal = ('text');

1;
"""


def test_what_athena_knows_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "hand.prj"
    path.write_bytes(gzip.compress(PERL.encode()))
    (found,) = read_spectra(path)
    assert found.name == "a 'b'"
    assert found.spectrum.energy.tolist() == [5978.75, 5979.75, 5980.75]
    assert found.spectrum.mu.tolist() == [0.0, 0.5, 1.0]
    assert (found.spectrum.absorber, found.spectrum.edge) == ("Cr", "K")
    assert found.spectrum.normalized is True
    assert "-1.25 eV" in found.columns


def test_json_projects(tmp_path: Path) -> None:
    path = tmp_path / "new.prj"
    record = {"args": {"label": "one", "bkg_z": "H"}, "x": ["7000", "7001"], "y": ["1", "2"]}
    content = {"_____header1": "# Athena project file -- Demeter version 0.9.26", "abc": record}
    path.write_text(json.dumps({**content, "_____order": ["abc"]}))
    (found,) = read_spectra(path)
    assert found.name == "one" and found.spectrum.mu.tolist() == [1.0, 2.0]
    assert found.spectrum.absorber == ""


@pytest.mark.parametrize(
    "text",
    [
        PERL.replace("[record]   # create object and set arrays in Athena", "").split(
            "$old_group = 'f"
        )[0],
        PERL.replace("'0.5'", "'half'"),
        PERL.replace("@x", "@z"),
        PERL.replace("'is_nor','1'", "'is_chi','1'"),
        "# Athena project file -- Demeter version 0.9.26\n",
        '{"_____header1": "Athena", "abc": {}',
        '{"_____header1": "Athena", "_____order": ["abc"], "abc": {}}',
    ],
)
def test_damaged_projects(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.prj"
    path.write_text(text)
    with pytest.raises(FileError) as caught:
        read_spectra(path)
    assert caught.value.finding.reason == Reason.UNREADABLE_FILE
    assert "\n" not in str(caught.value)


def test_unequal_lengths_name_the_group(tmp_path: Path) -> None:
    path = tmp_path / "hand.prj"
    path.write_text(PERL.replace("'0.0',", ""))
    with pytest.raises(FileError, match="abcde"):
        read_spectra(path)


def _group(name: str, y: str = "'0.0','0.5','1.0'", end: str = "[record]\n") -> str:
    args = f"@args = ('bkg_z','Cr','edge','k','label','{name}');\n"
    return f"$old_group = '{name}';\n{args}@x = ('5980','5981','5982');\n@y = ({y});\n{end}\n"


@pytest.mark.parametrize(
    "damaged",
    [_group("bad", "'0.0','half','1.0'"), _group("bad", "'0.0'"), _group("bad", end="")],
)
@pytest.mark.parametrize("last", [False, True])
def test_a_damaged_group_leaves_the_others(tmp_path: Path, damaged: str, last: bool) -> None:
    groups = [_group("one"), _group("two")]
    groups.insert(2 if last else 1, damaged)
    path = tmp_path / "hand.prj"
    path.write_text("# Athena project file -- Demeter version 0.9.26\n\n" + "".join(groups))
    found = read_spectra(path)
    assert [one.name for one in found] == ["one", "two"]
    assert "1 of its groups left out" in found[0].columns


def test_a_torn_project_gives_its_whole_groups(tmp_path: Path) -> None:
    path = tmp_path / "hand.prj"
    text = "# Athena project file -- Demeter version 0.9.26\n\n" + _group("one") + _group("two")
    path.write_text(text[:-20])
    (found,) = read_spectra(path)
    assert found.name == "one"


def test_a_damaged_group_in_json(tmp_path: Path) -> None:
    path = tmp_path / "new.prj"
    good = {"args": {"label": "one"}, "x": ["7000", "7001"], "y": ["1", "2"]}
    content = {"_____header1": "# Athena project file -- Demeter version 0.9.26", "abc": good}
    content |= {"bad": {**good, "y": ["1"]}, "_____order": ["abc", "bad"]}  # type: ignore[dict-item]
    path.write_text(json.dumps(content))
    (found,) = read_spectra(path)
    assert found.name == "one" and "left out" in found.columns
