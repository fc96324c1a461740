"""Reading documents: JSON lines, JSON lists, msgpack."""

from __future__ import annotations

import gzip
import io
import json
import logging
import pickle
from collections.abc import Callable
from pathlib import Path

import msgpack
import numpy as np
import pytest

from live_lce.archives import (
    Document,
    DocumentsError,
    _containers as document_containers,
    read_documents,
)
from live_lce.archives._documents import find_starts
from live_lce.testing import compose, spectrum_rows

DOCUMENTS = compose(spectrum_rows()[:5])
NAMED = [{"name": name, "doc": doc} for name, doc in DOCUMENTS]
TWO_RUNS = [*DOCUMENTS, *compose(spectrum_rows()[:4], uid="0b1ffa52-0000-4c4c-8888-0123456789ab")]


def lines(style: str) -> str:
    if style == "array":
        return "".join(json.dumps([name, doc]) + "\n" for name, doc in DOCUMENTS)
    return "".join(json.dumps({"name": name, "doc": doc}) + "\n\n" for name, doc in DOCUMENTS)


@pytest.mark.parametrize("style", ["array", "object"])
@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz"])
def test_both_styles_also_compressed(tmp_path: Path, style: str, suffix: str) -> None:
    path = tmp_path / f"run{suffix}"
    path.write_bytes(
        gzip.compress(lines(style).encode()) if suffix.endswith("gz") else lines(style).encode()
    )
    assert list(read_documents(path)) == [tuple(d) for d in json.loads(json.dumps(DOCUMENTS))]


def test_a_torn_last_line_is_skipped(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text(lines("array").rstrip()[:-20])
    with caplog.at_level(logging.WARNING):
        assert len(list(read_documents(path))) == len(DOCUMENTS) - 1
    assert f"{path}:{len(DOCUMENTS)}" in caplog.text


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"\x89PNG\r\n\x1a\n\x00\xff\xfe", 1),
        (b"energy i0 it\n1 2 3\n", 1),
        (b'["start", {}]\nnonsense\n["stop", {}]\n', 2),
        (b'["start", {}]\n["stop"]\n', 2),
        (b'["start", {}]\n{"doc": {}}\n', 2),
        (b'["start", {}]\n[1, {}]\n', 2),
        (b'["start", []]\n', 1),
        (b"[" * 100_000 + b"\n", 1),
    ],
)
def test_other_content_is_one_line_of_error(tmp_path: Path, content: bytes, line: int) -> None:
    path = tmp_path / "file.jsonl"
    path.write_bytes(content)
    with pytest.raises(DocumentsError, match=f"file.jsonl:{line}: ") as caught:
        list(read_documents(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["absent.jsonl", "."])
def test_a_file_that_cannot_be_opened(tmp_path: Path, name: str) -> None:
    with pytest.raises(DocumentsError, match="cannot be read"):
        list(read_documents(tmp_path / name))


def test_a_torn_archive(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl.gz"
    path.write_bytes(gzip.compress(lines("array").encode())[:-30])
    with pytest.raises(DocumentsError, match="cannot be read"):
        list(read_documents(path))
    path.write_bytes(b"not gzip at all")
    with pytest.raises(DocumentsError, match="cannot be read"):
        list(read_documents(path))


def test_an_empty_file_has_no_documents(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.touch()
    assert list(read_documents(path)) == []


CONTAINERS: dict[str, Callable[[list[Document]], bytes]] = {
    "list": lambda docs: json.dumps(docs).encode(),
    "pretty": lambda docs: b"\xef\xbb\xbf\r\n" + json.dumps(docs, indent=2).encode(),
    "named": lambda docs: json.dumps([{"name": n, "doc": d} for n, d in docs], indent=1).encode(),
    "lists": lambda docs: (json.dumps(docs[:3]) + "\n" + json.dumps(docs[3:]) + "\n").encode(),
    "sequence": lambda docs: "".join(f"\x1e{json.dumps(pair)}\n" for pair in docs).encode(),
    "packed": lambda docs: b"".join(msgpack.packb(pair) for pair in docs),
    "packed named": lambda docs: b"".join(msgpack.packb({"name": n, "doc": d}) for n, d in docs),
    "packed list": msgpack.packb,
}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", CONTAINERS)
def test_a_container_gives_what_lines_give(tmp_path: Path, kind: str, packed: bool) -> None:
    content = CONTAINERS[kind](TWO_RUNS)
    path = tmp_path / "runs"  # recognized by what it holds
    path.write_bytes(gzip.compress(content) if packed else content)
    expected = [tuple(pair) for pair in json.loads(json.dumps(TWO_RUNS))]
    assert list(read_documents(path)) == expected
    starts = list(find_starts(path, pytest.fail))
    assert [start for start, _ in starts] == [doc for name, doc in expected if name == "start"]
    second = starts[1][1]
    assert second.line == len(DOCUMENTS) + 1
    assert list(read_documents(path, position=second)) == expected[len(DOCUMENTS) :]


@pytest.mark.parametrize("kind", ["list", "pretty", "packed", "packed list"])
@pytest.mark.parametrize("chunk", [1, 7, 100])
def test_documents_lie_across_what_is_read_at_once(
    tmp_path: Path, kind: str, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = [("start", {"uid": "1", "said": '[{"\\\\", "é\\n]}"', "deep": [[{"a": [1]}]]})]
    monkeypatch.setattr(document_containers, "_CHUNK", chunk)
    path = tmp_path / "runs"
    path.write_bytes(CONTAINERS[kind](documents * 3))
    assert list(read_documents(path)) == documents * 3


@pytest.mark.parametrize("kind", ["list", "pretty", "packed", "packed list"])
def test_what_is_torn_at_the_end_is_skipped(
    tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "runs"
    path.write_bytes(CONTAINERS[kind](DOCUMENTS)[:-25])
    with caplog.at_level(logging.WARNING):
        assert len(list(read_documents(path))) == len(DOCUMENTS) - 1
    assert f"{path}:{len(DOCUMENTS)}" in caplog.text


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'[["start", {}], ["stop", {"a": foo}]]', "runs:2: no JSON"),
        (b'[["start", {}], 5, ["stop", {}]]', "runs:2: no JSON list of documents: '5' between"),
        (b'[["start", {}], "stop", {}]', "runs:2: no JSON list"),
        (b'[["start", {}]]\n["stop", {}]', "runs:2: no JSON list"),
        (b'[["start", {}], [1, {}]]', "runs:2: expected"),
        (b'[["start", {}], {"name": "stop"}]', "runs:2: expected"),
        (b"[[1, 2], [3, 4]]", "runs:1: expected"),
        (b'[["start", {}}', "runs:1: no JSON"),
        (b'[["start", {', "runs:1: the list has no end"),
        (b"[[" + b"[" * 100_000 + b"]" * 100_000 + b"]]", "runs:1: no JSON"),
        (msgpack.packb(["start", {}]) + b"\xc1", "runs:2: no msgpack"),
        (msgpack.packb(["start", {}]) + msgpack.packb(7), "runs:2: expected"),
        (msgpack.packb(["start", {}])[:-1], "runs:1: the file ends within a document"),
        (b"\x92\xa5start" + b"\x91" * 3000, "runs:1: no msgpack"),
    ],
)
def test_a_damaged_container_is_one_line_of_error(
    tmp_path: Path, content: bytes, says: str
) -> None:
    path = tmp_path / "runs"
    path.write_bytes(content)
    with pytest.raises(DocumentsError) as caught:
        list(read_documents(path))
    assert says in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["list", "packed", "sequence"])
def test_a_document_is_not_read_that_is_too_large(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "runs"
    path.write_bytes(CONTAINERS[kind]([*DOCUMENTS[:1], ("event", {"data": "x" * 5000})]))
    monkeypatch.setattr(document_containers, "MAX_BYTES", 3000)
    monkeypatch.setattr(document_containers, "_CHUNK", 1000)
    with pytest.raises(DocumentsError, match="a document of more than 0 MB"):
        list(read_documents(path))


def test_numbers_of_numpy_in_msgpack(tmp_path: Path) -> None:
    """As the package msgpack-numpy packs them, with which suitcase.msgpack writes."""

    def packed(value: object) -> dict[bytes, object]:
        if isinstance(value, np.ndarray):
            kind, data = (b"O", value.dumps()) if value.dtype == object else (b"", value.tobytes())
            told = {b"type": value.dtype.str, b"kind": kind, b"shape": value.shape}
            return {b"nd": True, b"data": data} | told
        assert isinstance(value, np.generic)
        return {b"nd": False, b"type": value.dtype.str, b"data": value.tobytes()}

    def written(data: dict[str, object]) -> Path:
        path = tmp_path / "run.msgpack"
        path.write_bytes(msgpack.packb(["event", {"data": data}], default=packed))
        return path

    array = np.arange(6.0).reshape(2, 3)
    path = written(
        {"array": array, "float": np.float32(0.5), "count": np.int64(7), "yes": np.True_}
    )
    [(_, doc)] = read_documents(path)
    np.testing.assert_array_equal(doc["data"].pop("array"), array)
    assert doc["data"] == {"float": 0.5, "count": 7, "yes": True}
    assert all(type(value) in (float, int, bool) for value in doc["data"].values())

    with pytest.raises(DocumentsError, match=r"run.msgpack:1: no msgpack \(an array of 'O'"):
        list(read_documents(written({"array": np.array([{}], dtype=object)})))


def test_a_pickle_in_msgpack_is_not_opened(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (tmp_path / "sprung",)

    buffer = io.BytesIO()
    pickle.dump(Trap(), buffer)
    trap = {b"nd": True, b"type": "|O", b"kind": b"O", b"shape": (1,), b"data": buffer.getvalue()}
    path = tmp_path / "run.msgpack"
    path.write_bytes(msgpack.packb(["start", {"uid": "1", "trap": trap}]))
    with pytest.raises(DocumentsError, match="no msgpack"):
        list(read_documents(path))
    assert not (tmp_path / "sprung").exists()
