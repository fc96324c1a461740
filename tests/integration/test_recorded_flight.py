"""The recorded flight, documents and HDF5: made again with the same content, replayed as live."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

pytest.importorskip("ophyd", reason="needs the extra `sim`")
pytest.importorskip("ophyd_async", reason="needs the extra `async`")

from archive_parts import SETTINGS
from engine_parts import feed, numbers, results

from live_lce import RunQuery
from live_lce.archives import Document, open_archive
from live_lce.engine import Engine
from live_lce.external import Hdf5Files
from live_lce.live import LiveLCE
from tools.record_flight import FILE, ROWS, read, write

RECORDED = Path(__file__).parents[1] / "data"


def live(documents: list[Document]) -> list[Any]:
    seen: list[Any] = []
    with LiveLCE(SETTINGS, on_result=seen.append) as callback:
        for name, doc in documents:
            callback(name, doc)
    return seen


def rows(folder: Path) -> dict[str, np.ndarray]:
    with h5py.File(folder / ROWS, "r") as file:
        return {name: dataset[:] for name, dataset in file["entry"].items()}


def test_it_names_no_place() -> None:
    text = gzip.decompress((RECORDED / FILE).read_bytes()).decode()
    assert str(RECORDED) not in text and "file://localhost/recorded/" in text


def test_made_again_it_says_the_same(tmp_path: Path) -> None:
    again, before = write(tmp_path), read(RECORDED)
    found, recorded = rows(tmp_path), rows(RECORDED)
    assert set(found) == {"energy", "I0", "It", "Ir"}
    for name, column in recorded.items():
        np.testing.assert_array_equal(found[name], column)
    # How many rows a document announces depends on how fast it went.
    assert again[0] == before[0]
    last = live(again)[-1], live(before)[-1]
    assert last[0].prediction.label == last[1].prediction.label == "O6"
    probabilities = [one.prediction.probabilities for one in last]
    np.testing.assert_array_equal(*probabilities)
    with pytest.raises(FileExistsError, match="remove it first"):
        write(tmp_path)


def test_replayed_as_live(tmp_path: Path) -> None:
    """The documents of an archive say where the file lies now."""
    documents = read(RECORDED)
    path = tmp_path / "flight.jsonl"
    path.write_text("".join(json.dumps(pair) + "\n" for pair in documents))
    archive, files = open_archive(str(path)), Hdf5Files()
    (run,) = archive.runs(RunQuery())
    replayed = results(feed(Engine(SETTINGS, files=files), run.documents()))
    archive.close()
    files.shutdown()
    expected = live(documents)
    assert [numbers(r) for r in replayed if r.final] == [numbers(r) for r in expected if r.final]
    assert replayed[-1].n_points == len(rows(RECORDED)["energy"]) == 171
