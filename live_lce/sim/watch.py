"""Watch predictions as a subscriber of the Tiled server, and read what is stored."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from live_lce.contract import PREDICTIONS_STREAM

_IDENTITY = ("spectrum_index", "final", "raw_seq_num_last", "n_points")


@dataclass(frozen=True)
class Row:
    """One row of the stream ``predictions``, as it reached a subscriber.

    Parameters
    ----------
    raw_uid : str
        Uid of the raw run.
    values : mapping
        Columns of the contract.
    received : float
        When it arrived (s since the epoch).
    """

    raw_uid: str
    values: Mapping[str, Any]
    received: float

    @property
    def final(self) -> bool:
        """Whether it is the last prediction of its spectrum."""
        return bool(self.values["final"])

    @property
    def delay(self) -> float:
        """Seconds from the time of the last raw event used to this subscriber."""
        return self.received - float(self.values["raw_time"])


class Watcher:
    """Subscribes to the predictions in a Tiled container.

    Parameters
    ----------
    container : tiled container
        Where analysis runs are written.
    on_row : callable
        Called with each new `Row`, one at a time, in a thread of the subscription.
    """

    def __init__(self, container: Any, on_row: Callable[[Row], object]) -> None:
        from bluesky_tiled_plugins import subscribe_to_streams

        self.rows: list[Row] = []
        self._on_row = on_row
        self._raw_uids: dict[str, str] = {}
        self._seen: set[tuple[Any, ...]] = set()
        self._arrived = threading.Condition()
        self._subscription = subscribe_to_streams(
            container,
            self._update,
            streams={PREDICTIONS_STREAM: None},
            metadata_filter=self._note,
        )

    def wait(self, n_rows: int, timeout: float) -> bool:
        """Wait until so many rows have come, at most `timeout` seconds; tell whether they have."""
        with self._arrived:
            return self._arrived.wait_for(lambda: len(self.rows) >= n_rows, timeout)

    def close(self) -> None:
        """End the subscription."""
        self._subscription.disconnect()

    def _note(self, start: Mapping[str, Any]) -> bool:
        raw_uid = start.get("original_run_uid")
        if raw_uid is None:
            return False
        self._raw_uids[str(start["uid"])] = str(raw_uid)
        return True

    def _update(self, update: Any) -> None:
        received = time.time()
        for values in update.data().to_dict("records"):
            with self._arrived:
                key = (str(update.run_uid), *(int(values[name]) for name in _IDENTITY))
                if key in self._seen:  # a retried append may write a row twice
                    continue
                self._seen.add(key)
                row = Row(self._raw_uids[str(update.run_uid)], values, received)
                self.rows.append(row)
                self._on_row(row)
                self._arrived.notify_all()


def stored_predictions(container: Any, raw_uid: str) -> list[dict[str, Any]]:
    """Return the rows of ``predictions`` that Tiled holds on a raw run, in order.

    Parameters
    ----------
    container : tiled container
        Where analysis runs are written.
    raw_uid : str
        Uid of the raw run.
    """
    from tiled.client.container import Container  # see publish.connection.find_child
    from tiled.queries import Eq

    rows: list[dict[str, Any]] = []
    for run in container.search(Eq("original_run_uid", raw_uid)).values():
        table = Container.__getitem__(run, PREDICTIONS_STREAM).base["internal"].read()
        rows.extend(table.drop_duplicates("seq_num").sort_values("seq_num").to_dict("records"))
    return rows
