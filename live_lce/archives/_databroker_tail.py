"""Read the end of a databroker run that has no stop document.

databroker 2.0.2 sends documents in pages of 25 events, and sends the last page only when another
document follows (``batch_documents`` of ``databroker.mongo_normalized``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from live_lce.archives._documents import Document
from live_lce.archives._tiled_tables import needed_keys
from live_lce.settings import Signals


def missed_events(
    run: Any, documents: Sequence[Document], signals: Signals | None
) -> Iterator[Document]:
    """Yield the events of a run without a stop document that were not sent.

    Parameters
    ----------
    run : BlueskyRun client
        Of a Mongo database.
    documents : sequence
        What was sent.
    signals : Signals, optional
        The engine's settings that name data keys; without them all columns are read.
    """
    start = documents[0][1]
    descriptors = [doc for name, doc in documents if name == "descriptor"]
    for stream in dict.fromkeys(doc["name"] for doc in descriptors):
        mine = [doc for doc in descriptors if doc["name"] == stream]
        sent = _last_sent(documents, {doc["uid"] for doc in mine})
        keys = set(mine[-1]["data_keys"])
        if signals is not None:
            keys = set(needed_keys(start, mine, signals))
        data = run[stream]["data"]
        times = data["time"][sent:]
        columns = {
            key: data[key][sent:].tolist()
            for key in sorted(keys)
            if len(times) and "external" not in mine[-1]["data_keys"].get(key, {"external": ""})
        }
        for row, time in enumerate(times):
            yield (
                "event",
                {
                    "uid": f"event-{mine[-1]['uid']}-{sent + row + 1}",
                    "descriptor": mine[-1]["uid"],
                    "seq_num": sent + row + 1,
                    "time": float(time),
                    "data": {key: column[row] for key, column in columns.items()},
                    "timestamps": {},
                    "filled": {},
                },
            )


def _last_sent(documents: Sequence[Document], descriptors: set[str]) -> int:
    """Return the highest ``seq_num`` of a stream's pages; 0 if there is none."""
    pages = (d for name, d in documents if name == "event_page" and d["descriptor"] in descriptors)
    return max((max(page["seq_num"]) for page in pages), default=0)
