"""Files as an archive: interleaved runs, several runs, damaged files, folders, patterns, data."""

from __future__ import annotations

import gzip
import json
import lzma
import pickle
import shutil
import time
from collections.abc import Iterable
from itertools import zip_longest
from pathlib import Path
from typing import Any

import msgpack
import pytest
from archive_parts import COMPOSED, scan
from cli_parts import Cli, cli, write_scan
from replay_parts import a_scan, an_alignment, raw_uid, write

from live_lce import RunQuery
from live_lce.archives import ArchiveError, Document, DocumentsError, open_archive
from live_lce.datafiles import FileError, read_spectra

__all__ = ["cli"]  # a fixture
ALL = RunQuery()


def uids(source: Any, query: RunQuery = ALL) -> list[str]:
    return [run.uid for run in open_archive(str(source)).runs(query)]


def interleaved(*runs: Iterable[Document]) -> list[Document]:
    return [doc for row in zip_longest(*runs) for doc in row if doc is not None]


def plain(documents: Iterable[Document]) -> list[Any]:
    return json.loads(json.dumps([list(pair) for pair in documents]))


def test_each_of_interleaved_runs_has_its_own_documents(tmp_path: Path) -> None:
    runs = [a_scan(1), an_alignment(2), COMPOSED["reconfigured"](), scan("open", exit_status=None)]
    path = write(tmp_path / "runs.jsonl", interleaved(*runs))
    found = list(open_archive(str(path)).runs(ALL))
    assert [run.uid for run in found] == [docs[0][1]["uid"] for docs in runs]
    for run, documents in zip(found, runs, strict=True):
        assert plain(run.documents()) == plain(documents)
        assert plain(pickle.loads(pickle.dumps(run)).documents()) == plain(documents)
    assert [run.where for run in found] == [str(path), *(f"{path}:{n}" for n in (2, 3, 4))]


def test_two_attempts_at_one_run_are_two_runs(tmp_path: Path) -> None:
    """TiledWriter appends the backup of a second attempt to that of the first."""
    whole = a_scan(1)
    path = write(tmp_path / "backup.jsonl", whole[:40], whole)
    first, second = open_archive(str(path)).runs(ALL)
    assert plain(first.documents()) == plain(whole[:40])
    assert plain(second.documents()) == plain(whole)


def test_queries(tmp_path: Path) -> None:
    first = a_scan(1, plan_name="xafs", XDI={"Element": {"edge": "K"}})
    path = write(
        tmp_path / "runs.jsonl", first, a_scan(2), an_alignment(3), a_scan(4, element="Cu")
    )
    times = [docs[0][1]["time"] for docs in (a_scan(1), a_scan(2))]
    asked = {
        RunQuery(since=times[1]): [2, 3, 4],
        RunQuery(since=times[0], until=times[1]): [1, 2],
        RunQuery(uids=(raw_uid(2), raw_uid(4)[:8])): [2, 4],
        RunQuery(scan_ids=(2, 4)): [2, 4],
        RunQuery(sample="FOIL *"): [1, 2, 4],
        RunQuery(absorber="copper"): [3, 4],  # an alignment tells no absorber
        RunQuery(plan_name="xa*"): [1],
        RunQuery(where=(("XDI.Element.edge", "K"),)): [1],
        RunQuery(where=(("scan_id", "2"), ("sample.name", "foil 2"))): [2],
        RunQuery(sample="nothing"): [],
    }
    for query, numbers in asked.items():
        assert uids(path, query) == [raw_uid(n) for n in numbers], query
        assert open_archive(str(path)).count(query) == len(numbers)


def test_a_torn_last_line_and_damaged_lines(tmp_path: Path) -> None:
    lines = [json.dumps(pair) for pair in a_scan(1)]
    torn = tmp_path / "torn.jsonl"
    torn.write_text("\n".join(lines)[:-30])
    (run,) = open_archive(str(torn)).runs(ALL)
    assert [name for name, _ in run.documents()][-1] == "event"
    damaged = tmp_path / "damaged.jsonl"
    damaged.write_text("\n".join([*lines[:50], '["event", {', *lines[50:]]))
    (run,) = open_archive(str(damaged)).runs(ALL)
    with pytest.raises(DocumentsError, match=r"damaged.jsonl:51: no JSON") as caught:
        list(run.documents())
    assert "\n" not in str(caught.value)
    starts = tmp_path / "starts.jsonl"
    other = [json.dumps(pair) for pair in a_scan(2)]
    starts.write_text("\n".join([*lines, '["start", {"time": 1}]', '["start", {', *other]) + "\n")
    archive = open_archive(str(starts))
    assert [run.uid for run in archive.runs(ALL)] == [raw_uid(1), raw_uid(2)]
    n = len(lines)
    assert archive.problems[0] == f"{starts}:{n + 1}: a start document without a uid"
    assert archive.problems[1].startswith(f"{starts}:{n + 2}: no JSON")


def test_a_torn_gzip(tmp_path: Path) -> None:
    text = "".join(json.dumps(pair) + "\n" for n in (1, 2) for pair in a_scan(n))
    path = tmp_path / "runs.jsonl.gz"
    path.write_bytes(gzip.compress(text.encode())[:-200])
    with pytest.raises(ArchiveError, match=r"runs.jsonl.gz: cannot be read: Compressed file ended"):
        uids(path)
    path.write_bytes(b"no gzip")
    with pytest.raises(ArchiveError, match="Not a gzipped file"):
        uids(path)
    write(tmp_path / "good.jsonl", a_scan(3))
    archive = open_archive(str(tmp_path))
    assert [run.uid for run in archive.runs(ALL)] == [raw_uid(3)], (
        "the good file is read all the same"
    )
    assert len(archive.problems) == 1 and "runs.jsonl.gz: cannot be read" in archive.problems[0]


def test_folders_and_patterns(tmp_path: Path) -> None:
    inner = tmp_path / "2026" / "11"
    inner.mkdir(parents=True)
    write(inner / "one.jsonl", a_scan(1))
    packed = inner / "two.json.gz"
    packed.write_bytes(gzip.compress(write(tmp_path / "x", a_scan(2)).read_bytes()))
    (tmp_path / "x").unlink()
    write_scan(inner / "fe.xdi")
    write_scan(inner / "fe.0001", white_line=0.0)
    (inner / "notes.md").write_text("no data")
    (inner / ".hidden.jsonl").write_text("?")
    (inner / "readme.txt").write_text("no data either\n")
    archive = open_archive(str(tmp_path))
    found = list(archive.runs(ALL))
    names = [Path(run.where).name for run in found]
    assert names == ["fe.0001", "fe.xdi", "one.jsonl", "two.json.gz"]
    assert [run.uid for run in found][2:] == [raw_uid(1), raw_uid(2)]
    assert len(archive.problems) == 1 and "readme.txt" in archive.problems[0]
    assert archive.left_out == {".md": 1}
    assert uids(tmp_path / "**" / "*.jsonl") == [raw_uid(1)]
    assert uids(tmp_path / "20??" / "*" / "[ot]*.json*") == [raw_uid(1), raw_uid(2)]


def test_runs_in_other_containers(tmp_path: Path) -> None:
    runs = [a_scan(n) for n in (1, 2, 3)]
    documents = interleaved(*runs)
    (tmp_path / "list.json").write_text(json.dumps(documents, indent=1))
    (tmp_path / "packed.msgpack").write_bytes(b"".join(msgpack.packb(d) for d in documents))
    packed = gzip.compress(b"".join(msgpack.packb(d) for d in documents))
    (tmp_path / "packed.msgpack.gz").write_bytes(packed)
    for name in ("list.json", "packed.msgpack", "packed.msgpack.gz"):
        found = list(open_archive(str(tmp_path / name)).runs(ALL))
        assert [run.uid for run in found] == [docs[0][1]["uid"] for docs in runs]
        for run, expected in zip(found, runs, strict=True):
            assert plain(run.documents()) == plain(expected)
            assert plain(pickle.loads(pickle.dumps(run)).documents()) == plain(expected)
        assert found[2].where == f"{tmp_path / name}:3"
    assert len(uids(tmp_path)) == 9


def test_damage_in_a_list_hides_no_other_run(tmp_path: Path) -> None:
    items = [json.dumps(pair) for n in (1, 2) for pair in a_scan(n)]
    path = tmp_path / "list.json"
    path.write_text("[" + ",\n".join([*items[:-3], '["start", {"uid": oops}]', *items[-3:]]) + "]")
    archive = open_archive(str(path))
    assert [run.uid for run in archive.runs(ALL)] == [raw_uid(1), raw_uid(2)]
    assert archive.problems and archive.problems[0].startswith(f"{path}:{len(items) - 2}: no JSON")


HDF5 = b"\x89HDF\r\n\x1a\n" + bytes(100)
OTHERS = {
    "detector.h5": (HDF5, "HDF5, in which there are no runs: of the files that detectors wrote,"),
    "runs.json": (pickle.dumps([("start", {})]), "Python pickle, in which there are no runs: not"),
    "table.xlsx": (
        b"PK\x03\x04" + bytes(9),
        r"zip \(also xlsx, docx, npz\), .*: unpack it, or save",
    ),
    "catalog.db": (b"SQLite format 3\0", "SQLite, in which there are no runs: give the address"),
    "runs.jsonl.xz": (lzma.compress(b"[]"), "xz, in which there are no runs: unpack it"),
    "picture.dat": (b"\x89PNG\r\n\x1a\n\0\0", "PNG image, in which there are no runs$"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_file_of_another_format_is_called_by_its_name(tmp_path: Path, name: str) -> None:
    content, says = OTHERS[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ArchiveError, match=f"{name}: is {says}") as caught:
        uids(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_what_is_neither_documents_nor_data_is_counted(cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    (folder / ".git").mkdir(parents=True)
    for name in ("README", ".git/config", "log.md", "other.md", "notes.rst"):
        (folder / name).write_text("?")
    (folder / "settings.json").write_text('{\n "a": [1]}')
    for name, (content, _) in OTHERS.items():
        (folder / name).write_bytes(content)
    write(folder / "one.jsonl", a_scan(1))
    done = cli("replay", "--json", folder)
    assert done.code == 0, done.err
    assert done.json["left_out"] == {
        ".md": 2, ".rst": 1, "file without a suffix": 1, "HDF5": 1, "Python pickle": 1, "SQLite": 1,
        "other JSON": 1, "zip (also xlsx, docx, npz)": 1, "xz": 1, "PNG image": 1,
    }  # fmt: skip
    said = cli("replay", folder).err
    assert "1 run: 1 analysed, no documents or data: 2 .md, " in said
    assert len(cli("replay", "--dry-run", "--json", folder).json["left_out"]) == 10


def test_nothing_there(tmp_path: Path) -> None:
    assert uids(tmp_path) == [] and open_archive(str(tmp_path)).count(ALL) == 0
    for source in (tmp_path / "missing.jsonl", tmp_path / "*.jsonl", "ftp://there", "databroker:"):
        with pytest.raises(ArchiveError, match="no such file or folder: check the path") as caught:
            open_archive(str(source))
        assert "\n" not in str(caught.value)
    empty, other = tmp_path / "empty.jsonl", tmp_path / "other.json"
    empty.touch()
    with pytest.raises(ArchiveError, match=r"empty.jsonl: no start document"):
        uids(empty)
    other.write_text('{"a": 1}\n')
    with pytest.raises(ArchiveError, match=r"other.json: expected documents"):
        uids(other)
    assert open_archive(str(empty)).count(ALL) is None


def test_a_data_file_is_one_run_whatever_it_is_called(tmp_path: Path) -> None:
    write_scan(tmp_path / "fe.xdi")
    shutil.copy(tmp_path / "fe.xdi", tmp_path / "copy.xdi")
    write_scan(tmp_path / "other.xdi", white_line=0.0)
    runs = {Path(run.where).stem: run for run in open_archive(str(tmp_path)).runs(ALL)}
    assert runs["fe"].uid == runs["copy"].uid != runs["other"].uid
    start = runs["fe"].start
    assert (start["element"], start["edge"], start["sample_name"]) == ("Fe", "K", "test")
    assert abs(start["time"] - time.time()) < 100, "when the file was written: it does not tell"
    assert uids(tmp_path, RunQuery(absorber="Cu")) == []


def test_a_data_file_without_a_name_is_called_as_the_file(tmp_path: Path) -> None:
    write_scan(tmp_path / "named.xdi")
    lines = (tmp_path / "named.xdi").read_text().splitlines(keepends=True)
    lines = [line for line in lines if "Sample.name" not in line]
    (tmp_path / "hematite_3.xdi").write_text("".join(lines))
    (run,) = open_archive(str(tmp_path / "hematite_3.xdi")).runs(ALL)
    assert run.start["sample_name"] == "hematite_3"


def test_documents_of_data_files_are_valid(tmp_path: Path, shared: Path) -> None:
    from event_model import DocumentNames, schema_validators

    some = sorted((shared / "data" / "experimental" / "spectra").rglob("*.xdi"))[:5]
    for path in [write_scan(tmp_path / "fe.xdi"), *some]:
        for run in open_archive(str(path)).runs(ALL):
            for name, doc in run.documents():
                schema_validators[DocumentNames[name]].validate(doc)


SAID = (
    *("absorber", "edge", "status", "reason", "label", "confidence", "probabilities"),
    *("coverage", "e0", "edge_step"),
)


def test_data_files_are_predicted_as_classify_does(cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    for name, options in {"o6": {}, "t4": {"white_line": 0.0}, "short": {"last": 7150.0}}.items():
        write_scan(folder / f"{name}.xdi", **options)
    write_scan(folder / "early.xdi", last=7090)
    classified = cli("classify", "--json", folder).json
    done = cli("replay", "--json", folder)
    assert done.code == 0, done.err
    finals = [row for row in done.json["predictions"] if row["final"]]
    assert [[row[k] for k in SAID] for row in finals] == [[r[k] for k in SAID] for r in classified]
    assert {row["label"] for row in finals} == {"O6", "T4", ""}


def test_measured_files_are_predicted_as_classify_does(
    cli: Cli, tmp_path: Path, shared: Path
) -> None:
    """Also normalized ones, fluorescence, and files with a reference foil."""
    folder = tmp_path / "data"
    folder.mkdir()
    for path in sorted((shared / "data" / "experimental" / "spectra" / "Fe").glob("*.*"))[::3]:
        if _readable(path):
            shutil.copy(path, folder / path.name)
    classified = cli("classify", "--json", folder).json
    assert len(classified) >= 30
    done = cli("replay", "--json", folder)
    finals = [row for row in done.json["predictions"] if row["final"]]
    assert [[row[k] for k in SAID] for row in finals] == [[r[k] for k in SAID] for r in classified]


def _readable(path: Path) -> bool:
    try:
        return bool(read_spectra(path))
    except FileError:
        return False
