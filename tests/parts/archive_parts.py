"""Runs as they come about at beamlines, for the tests of archives."""

from __future__ import annotations

import copy
import json
import math
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

import bluesky.plan_stubs as bps
import event_model
import pytest
from bluesky import RunEngine
from bluesky.utils import RunEngineInterrupted
from engine_parts import feed, numbers, results

from live_lce.archives import Document, read_documents
from live_lce.engine import Engine
from live_lce.settings import AnalysisSettings, Pacing
from live_lce.testing import KEYS, SCAN, START_TIME, compose, spectrum_rows as rows

_NAMES = uuid.UUID("0b1ffa52-3333-4c4c-8888-0123456789ab")
SETTINGS = AnalysisSettings(pacing=Pacing(interval=8))
RECORDED = ("bmm_fe_xafs_ac694ff6", "bmm_linescan_1dccff46")
GRID = {
    "motors": ["temperature", "mono_energy"],
    "hints": {"dimensions": [(["temperature"], "primary"), (["mono_energy"], "primary")]},
    "element": "Fe",
    "edge": "K",
}
TEMPERATURE = {"temperature": {"dtype": "number", "shape": [], "source": "sim"}}


def uid_of(name: str) -> str:
    return str(uuid.uuid5(_NAMES, name))


def scan(name: str = "scan", *, start: Any = SCAN, **options: Any) -> list[Document]:
    """Return a short Fe scan."""
    return compose(rows()[::2], start=start, uid=uid_of(name), **options)


def with_events(
    documents: list[Document], order: Iterable[int], factor: float = 1.01
) -> list[Document]:
    """Emit events in an order, of their numbers from 0; what comes again has other values."""
    head = [d for d in documents if d[0] in ("start", "descriptor")]
    events = [d for d in documents if d[0] == "event"]
    stop = [d for d in documents if d[0] == "stop"]
    emitted: list[Document] = []
    for place, number in enumerate(order):
        doc = copy.deepcopy(events[number][1])
        seen = sum(d["seq_num"] == doc["seq_num"] for _, d in emitted)
        doc |= {"uid": str(uuid.uuid5(_NAMES, f"{doc['uid']}{seen}"))}
        doc |= {"time": head[0][1]["time"] + 1 + place}
        if seen:
            doc["data"]["It"] *= factor
        emitted.append(("event", doc))
    return [*head, *emitted, *stop]


def rewound() -> list[Document]:
    """Return a scan with a pause: some points are measured again."""
    documents = scan("rewound")
    n = len(documents) - 3
    return with_events(documents, [*range(60), *range(52, n)])


def grid() -> list[Document]:
    """Return spectra at three temperatures; a rewind goes back across the first boundary."""
    one = rows()[::2]
    n = len(one)
    data = [{**row, "temperature": t} for t in (300.0, 400.0, 500.0) for row in one]
    documents = compose(
        data, start=GRID | {"shape": [3, n]}, keys=KEYS | TEMPERATURE, uid=uid_of("grid")
    )
    return with_events(documents, [*range(n + 3), *range(n - 2, 3 * n)])


def reconfigured() -> list[Document]:
    """Return a scan whose ion chamber is configured anew at the edge."""
    documents = scan("reconfigured")
    descriptor = documents[1][1]
    descriptor["object_keys"] = {"I0": ["I0"]}
    descriptor["configuration"] = _gain(1)
    other = copy.deepcopy(descriptor)
    at = documents[60][1]["time"] - 0.5
    other |= {"uid": str(uuid.uuid5(_NAMES, "other")), "time": at, "configuration": _gain(2)}
    for _, doc in documents[60:-1]:
        doc["descriptor"] = other["uid"]
    return [*documents[:60], ("descriptor", other), *documents[60:]]


def _gain(value: int) -> dict[str, Any]:
    key = {"dtype": "integer", "shape": [], "source": "sim"}
    return {
        "I0": {
            "data": {"gain": value},
            "timestamps": {"gain": START_TIME},
            "data_keys": {"gain": key},
        }
    }


def nan_readings() -> list[Document]:
    """Return a scan with readings that are no number."""
    documents = scan("nan")
    for number in (2, 70, 71, len(documents) - 2):
        documents[number][1]["data"]["It"] = math.nan
    return documents


def with_baseline() -> list[Document]:
    """Return a scan with a second stream, and a table so wide that nobody wants all of it."""
    more = {f"roi_{n}": {"dtype": "number", "shape": [], "source": "sim"} for n in range(40)}
    data = [row | dict.fromkeys(more, 0.5) for row in rows()[::2]]
    start, descriptor, *rest = compose(data, keys=KEYS | more, uid=uid_of("baseline"))
    baseline = compose(
        [{"room": 20.5}], keys={"room": KEYS["I0"]}, stream="baseline", uid=uid_of("baseline")
    )
    return [start, baseline[1], baseline[2], descriptor, *rest]


def spectra_as_arrays() -> list[Document]:
    """Return a fly scan: each event is a spectrum."""
    columns = {name: [row[name] for row in rows()[::2]] for name in KEYS}
    n = len(columns["I0"])
    keys = {name: key | {"dtype": "array", "shape": [n]} for name, key in KEYS.items()}
    return compose([columns, columns], keys=keys, uid=uid_of("arrays"))


def sweeps() -> list[Document]:
    """Return a run that goes up and down again, over two samples."""
    one, other = rows()[::2], rows(white_line=0.0)[::-2]
    data = [r | {"sample_id": n} for n, sweep in enumerate((one, other)) for r in sweep]
    return compose(data, keys=KEYS | {"sample_id": KEYS["I0"]}, uid=uid_of("sweeps"))


def positions() -> list[Document]:
    """Return a map of two positions with the energy slow."""
    samples = rows()[::2], rows(white_line=0.0)[::2]
    data = [r | {"sample_z": z} for pair in zip(*samples, strict=True) for z, r in enumerate(pair)]
    keys = KEYS | {"sample_z": KEYS["I0"]}
    return compose(data, keys=keys, uid=uid_of("positions"))


def channels_in_an_array() -> list[Document]:
    """Return a scan with It, and a detector that gives its channels as one array."""
    data = [
        r | {"xs_roi1": [n * r["I0"] * math.log(r["I0"] / r["It"]) for n in (1, 2, 3)], "It": 5.0}
        for r in rows()[::2]
    ]
    keys = KEYS | {"xs_roi1": {"dtype": "array", "shape": [3], "source": "sim"}}
    return compose(data, keys=keys, uid=uid_of("channels"))


COMPOSED = {
    "scan": scan,
    "rewound": rewound,
    "grid": grid,
    "aborted": lambda: scan("aborted", exit_status="abort"),
    # TiledWriter's batches of 100 are full: of a run that was killed, it does not store the rest.
    "unfinished": lambda: scan("unfinished", exit_status=None)[:102],
    "reconfigured": reconfigured,
    "nan": nan_readings,
    "baseline": with_baseline,
    "arrays": spectra_as_arrays,
    "sweeps": sweeps,
    "positions": positions,
    "channels": channels_in_an_array,
}


def paused_scan() -> list[Document]:
    """Return what a real RunEngine emits of a scan that is paused and resumed."""
    from live_parts import ENERGY, MD, Beamline

    beamline, documents, paused = Beamline(), [], []

    def plan() -> Any:
        yield from bps.open_run({**MD, "motors": ["mono_energy"]})
        for number, energy in enumerate(ENERGY[::2]):
            if number % 8 == 0:
                yield from bps.checkpoint()
            yield from bps.mv(beamline.mono, energy)
            yield from bps.trigger_and_read([beamline.i0, beamline.it, beamline.mono])
            if number == 60 and not paused:
                paused.append(number)
                yield from bps.pause()
        yield from bps.close_run()

    engine = RunEngine({})
    engine.subscribe(lambda name, doc: documents.append((name, event_model.sanitize_doc(doc))))
    with pytest.raises(RunEngineInterrupted):
        engine(plan())
    engine.resume()
    engine.loop.call_soon_threadsafe(engine.loop.stop)  # warnings are errors here
    engine._th.join(10)
    engine.loop.close()
    return documents


def recorded(folder: Path) -> dict[str, list[Document]]:
    """Return the recorded runs, and one of them with a rewind."""
    runs = {name: list(read_documents(folder / f"{name}.jsonl")) for name in RECORDED}
    return runs | {"bmm_rewound": _rewound_pages(runs[RECORDED[0]])}


def _rewound_pages(documents: list[Document]) -> list[Document]:
    """Return the recorded scan as if its points 192 to 200 had been measured twice."""
    text = json.dumps(documents).replace(documents[0][1]["uid"], uid_of("bmm"))
    for name, doc in documents:
        if name == "descriptor":
            text = text.replace(doc["uid"], uid_of(doc["uid"]))
    documents = [(name, doc) for name, doc in json.loads(text)]
    primary = next(d["uid"] for n, d in documents if n == "descriptor" and d["name"] == "primary")
    at = [i for i, (_, d) in enumerate(documents) if d.get("descriptor") == primary]
    again = copy.deepcopy([documents[i] for i in at[191:200]])
    last = again[-1][1]["time"][0]
    for number, (_, page) in enumerate(again):
        page["uid"], page["time"] = [uid_of(page["uid"][0])], [last + 0.01 * (number + 1)]
        page["data"]["It"] = [1.01 * value for value in page["data"]["It"]]
    return [*documents[: at[199] + 1], *again, *documents[at[199] + 1 :]]


def in_pages(documents: list[Document]) -> list[Document]:
    """Return documents with events in pages, as beamlines send them that are in a hurry."""
    packed: list[Document] = []
    singles = (one for name, doc in documents for one in _unpacked(name, doc))
    for name, group in groupby(singles, lambda d: (d[0], d[1].get("descriptor"))):
        some = [doc for _, doc in group]
        if name[0] == "event":
            packed.append(("event_page", event_model.pack_event_page(*some)))
        else:
            packed += [(name[0], doc) for doc in some]
    return packed


def _unpacked(name: str, doc: Any) -> list[Document]:
    if name != "event_page":
        return [(name, doc)]
    return [("event", event) for event in event_model.unpack_event_page(doc)]


def replayed(registry: Any, documents: Iterable[Document]) -> list[Any]:
    """Return all that the engine says on one run, bit by bit."""
    engine = Engine(SETTINGS, registry)
    outputs = feed(engine, documents)
    return [numbers(r) for r in results([*outputs, *engine.finish()])]


def final_only(said: Iterable[Any]) -> list[Any]:
    return [one for one in said if one[3]]


@contextmanager
def without_exporter() -> Iterator[None]:
    """Let the servers of this process answer 406 to whoever asks for documents."""
    from tiled.media_type_registration import default_serialization_registry

    formats = default_serialization_registry._lookup["BlueskyRun"]
    exporter = formats.pop("application/json-seq")
    try:
        yield
    finally:
        formats["application/json-seq"] = exporter
