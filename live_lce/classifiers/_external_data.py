"""Detect ONNX models that keep weights in other files, without the package onnx.

Of the protobuf messages of ONNX only the fields are followed that may lead to a tensor.
"""

from __future__ import annotations

from collections.abc import Iterator

_LEADS_TO: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "function": {7: "node", 11: "attribute"},
}
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14
"""Fields of a tensor: where its values are, and whether they are there (1) or in the file (0)."""


def external_data(content: bytes) -> bool:
    """Return whether some tensor of a model is not in its file.

    Parameters
    ----------
    content : bytes
        The ONNX file.

    Raises
    ------
    ValueError
        If it is no protobuf message.
    """
    left = [("model", memoryview(content))]
    while left:
        kind, message = left.pop()
        for field, value in _fields(message):
            if kind == "tensor":
                if field == _EXTERNAL_DATA or (field == _DATA_LOCATION and value == 1):
                    return True
            elif field in _LEADS_TO[kind] and isinstance(value, memoryview):
                left.append((_LEADS_TO[kind][field], value))
    return False


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield the number of each field with its value; numbers of fixed size come as bytes."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        wire = key & 7
        if wire == 0:
            value, at = _varint(message, at)
            yield key >> 3, value
            continue
        if wire == 2:
            size, at = _varint(message, at)
        elif wire in {1, 5}:
            size = 8 if wire == 1 else 4
        else:
            raise ValueError(f"no protobuf message: wire type {wire}")
        if at + size > len(message):
            raise ValueError("no protobuf message: it ends too early")
        yield key >> 3, message[at : at + size]
        at += size


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            raise ValueError("no protobuf message: it ends too early")
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("no protobuf message: a number is too long")
