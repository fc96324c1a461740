"""Files that documents name lead nowhere but where they may."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest

from live_lce.engine import Source, UnreadableError
from live_lce.external import Hdf5Files

Rows = Callable[..., list[float]]


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A folder of ours, and one of others with a secret."""
    for name in ("mine", "mine/deep", "theirs"):
        (tmp_path / name).mkdir()
    for folder in ("mine/deep", "theirs"):
        with h5py.File(tmp_path / folder / "data.h5", "w") as file:
            file["x"] = np.arange(5.0)
    (tmp_path / "theirs" / "secret.txt").write_bytes(b"password")
    return tmp_path / "mine"


@pytest.fixture
def files() -> Iterator[Hdf5Files]:
    found = Hdf5Files()
    yield found
    found.shutdown()


def rows(files: Hdf5Files, path: Path, dataset: str = "x", n: int = 5) -> list[float]:
    source = Source("k", f"file://localhost{path}", "application/x-hdf5", {"dataset": dataset})
    return list(files.rows(source, 0, n, last=False))


def virtual(file: h5py.File, name: str, source: str, dataset: str = "x") -> None:
    layout = h5py.VirtualLayout(shape=(5,), dtype="f8")
    layout[:] = h5py.VirtualSource(source, dataset, shape=(5,))
    file.create_virtual_dataset(name, layout)


def numbered(file: h5py.File, name: str, source: str, dataset: str = "x") -> None:
    """Make a virtual dataset of as many files as there are."""
    many = h5py.h5s.UNLIMITED
    space = h5py.h5s.create_simple((5,), (many,))
    made = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    mapped = h5py.h5s.create_simple((5,), (many,))
    mapped.select_hyperslab((0,), (many,), stride=(5,), block=(5,))
    of_source = h5py.h5s.create_simple((5,))
    made.set_virtual(mapped, source.encode(), dataset.encode(), of_source)
    h5py.h5d.create(file.id, name.encode(), h5py.h5t.IEEE_F64LE, space, made)


def test_what_lies_in_the_files_own_folder_is_read(mine: Path, files: Hdf5Files) -> None:
    with h5py.File(mine / "scan.h5", "w") as file:
        file["own/x"] = np.arange(5.0)
        file["soft"] = h5py.SoftLink("/own/x")
        file["up"] = h5py.SoftLink("/relative/x")
        file["relative"] = h5py.ExternalLink("deep/data.h5", "/")
        file["absolute"] = h5py.ExternalLink(str(mine / "deep" / "data.h5"), "x")
        file["group"] = h5py.ExternalLink("deep/data.h5", "/")
        virtual(file, "virtual", "deep/data.h5")
        virtual(file, "itself", ".", "own/x")
        virtual(file, "twice", "scan.h5", "virtual")
        virtual(file, "nobody", "deep/later.h5")
        numbered(file, "numbered", "deep/dat%b.h5")
    (mine / "deep" / "dat0.h5").write_bytes((mine / "deep" / "data.h5").read_bytes())
    for name in (
        "numbered",
        "own/x",
        "soft",
        "up",
        "absolute",
        "group/x",
        "virtual",
        "itself",
        "twice",
    ):
        assert rows(files, mine / "scan.h5", name) == [0, 1, 2, 3, 4], name
    assert len(rows(files, mine / "scan.h5", "nobody")) == 5  # not written yet: fill values


def test_nothing_outside_of_it_is(mine: Path, files: Hdf5Files) -> None:
    secret = mine.parent / "theirs" / "data.h5"
    (mine / "symlink.h5").symlink_to(secret)
    (mine / "folder").symlink_to(secret.parent)
    with h5py.File(mine / "deep" / "next.h5", "w") as file:
        file["link"] = h5py.ExternalLink(str(secret), "x")
        virtual(file, "virtual", str(secret))
    with h5py.File(mine / "scan.h5", "w") as file:
        file["absolute"] = h5py.ExternalLink(str(secret), "x")
        file["relative"] = h5py.ExternalLink("../theirs/data.h5", "x")
        file["group"] = h5py.ExternalLink("../theirs/data.h5", "/")
        file["soft"] = h5py.SoftLink("/group/x")
        file["symlink"] = h5py.ExternalLink("symlink.h5", "x")
        file["folder"] = h5py.ExternalLink("folder/data.h5", "x")
        file["two"] = h5py.ExternalLink("deep/next.h5", "link")
        virtual(file, "virtual", str(secret))
        virtual(file, "virtual_relative", "../theirs/data.h5")
        virtual(file, "virtual_symlink", "symlink.h5")
        virtual(file, "virtual_two", "deep/next.h5", "virtual")
        virtual(file, "virtual_link", "deep/next.h5", "link")
        virtual(file, "virtual_own", ".", "absolute")
        numbered(file, "virtual_many", "symlin%b.h5")
        numbered(file, "virtual_percent", "symlin%%%b.h5")
        numbered(file, "virtual_names", "deep/data.h5", "li%bnk")
        names = list(file)
    for name in ("symlin0.h5", "symlin%0.h5"):
        (mine / name).symlink_to(secret)
    with h5py.File(mine / "scan.h5", "a") as file:
        storage = [(str(secret.parent / "secret.txt"), 0, 8)]
        file.create_dataset("storage", shape=(8,), dtype="u1", external=storage)
    for name in [*names, "group/x", "storage"]:
        if name == "group":
            continue
        with pytest.raises(UnreadableError, match=r"files\.roots|numbers there"):
            rows(files, mine / "scan.h5", name)
    with pytest.raises(UnreadableError, match=r"files\.roots"):
        rows(files, mine / "symlink.h5")
    assert rows(files, secret) == [0, 1, 2, 3, 4], "it may be named itself where roots are not set"


def test_roots_bound_all_of_it(mine: Path) -> None:
    other = mine.parent / "theirs" / "data.h5"
    with h5py.File(mine / "scan.h5", "w") as file:
        file["x"] = h5py.ExternalLink(str(other), "x")
    for roots, works in (([mine], False), ([mine, other.parent], True), ([mine.parent], True)):
        files = Hdf5Files(roots=roots)
        try:
            if works:
                assert rows(files, mine / "scan.h5") == [0, 1, 2, 3, 4]
                continue
            with pytest.raises(UnreadableError, match=r"files\.roots"):
                rows(files, mine / "scan.h5")
            with pytest.raises(UnreadableError, match=r"files\.roots"):
                rows(files, other)
        finally:
            files.shutdown()


def test_links_in_a_circle_end(mine: Path, files: Hdf5Files) -> None:
    with h5py.File(mine / "scan.h5", "w") as file:
        file["a"] = h5py.SoftLink("/b")
        file["b"] = h5py.SoftLink("/a")
        file["out"] = h5py.ExternalLink("scan.h5", "/out")
        virtual(file, "virtual", ".", "virtual")
    for name in ("a", "out", "virtual"):
        with pytest.raises(UnreadableError, match=r"links|end"):
            rows(files, mine / "scan.h5", name)


def test_rows_that_unpack_to_much_are_refused(mine: Path, files: Hdf5Files) -> None:
    path = mine / "scan.h5"
    with h5py.File(path, "w") as file:
        options = {"dtype": "u1", "compression": "gzip"}
        file.create_dataset("image", (2000, 2000), chunks=(2000, 2000), **options)
        file.create_dataset("wide", (3, 200_000), chunks=(1, 200_000), **options)
        file.create_dataset("chunk", (400_000_000,), chunks=(400_000_000,), **options)
    uri, kind = f"file://localhost{path}", "application/x-hdf5"
    image = Source("k", uri, kind, {"dataset": "image"}, (2000,))
    with pytest.raises(UnreadableError, match="2000 rows of 2000 values"):
        files.rows(image, 0, 2000, last=False)
    assert np.shape(files.rows(image, 0, 300, last=False)) == (300, 2000)
    wide = Source("k", uri, kind, {"dataset": "wide"}, (200_000,))
    with pytest.raises(UnreadableError, match="rows of 200000 values"):
        files.rows(wide, 0, 3, last=False)
    with pytest.raises(UnreadableError, match="chunks of more than"):
        rows(files, path, "chunk")
    narrow = Source("k", uri, kind, {"dataset": "image"})
    with pytest.raises(UnreadableError, match="another shape"):
        files.rows(narrow, 0, 5, last=False)
