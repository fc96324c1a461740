"""Reading JSON lines of documents."""

from __future__ import annotations

import gzip
import json
import logging
from pathlib import Path

import pytest
from engine_parts import compose, spectrum_rows

from live_lce.sources.documents import DocumentsError, read_documents

DOCUMENTS = compose(spectrum_rows()[:5])


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
