"""A server with published analyses, for the tests of reading back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from publish_parts import a_result, a_run

from live_lce.classifiers import ModelIdentity
from live_lce.contract import Reason, Status
from live_lce.engine import Result, RunClosed
from live_lce.publish import TiledPublisher
from live_lce.settings import AnalysisSettings
from live_lce.tiled import EmbeddedTiled

FIRST = "11111111-aaaa-4aaa-8aaa-000000000001"
SECOND = "22222222-bbbb-4bbb-8bbb-000000000002"
THIRD = "33333333-cccc-4ccc-8ccc-000000000003"
T0 = 1.76e9
AWKWARD = 'Fe\' foil; $x "undef"\n@{[ 1 ]} \\ µm'

FIRST_RUN = a_run(uid=FIRST, sample="hematite", scan_id=7, time=T0)
SECOND_RUN = a_run(uid=SECOND, sample=AWKWARD, time=T0 + 3600)
THIRD_RUN = a_run(uid=THIRD, time=T0 + 7200)


def publish(container: Any, spool: Path, *results: Result) -> None:
    """Publish results of one raw run, and end it."""
    settings = AnalysisSettings()
    publisher = TiledPublisher(container, settings=settings, spool=spool, source="test")
    for result in results:
        publisher.result(result, 0.25)
    publisher.closed(RunClosed(results[0].run.uid, "success"))
    publisher.close()
    assert publisher.counters["runs_published"] == 1, publisher.counters


def fill(container: Any, spool: Path) -> None:
    """Publish three raw runs: a growing spectrum; two spectra, one refused; an abstention."""
    growing = a_result(run=FIRST_RUN, final=False, label="T4", status=Status.PARTIAL)
    publish(container, spool, growing, a_result(run=FIRST_RUN))
    refused = a_result(
        1, run=SECOND_RUN, status=Status.REJECTED, reasons=(Reason.DEAD_CHANNEL, Reason.SPIKES)
    )
    publish(container, spool, a_result(run=SECOND_RUN, label="S5"), refused)
    publish(container, spool, a_result(run=THIRD_RUN, absorber="Ni", status=Status.ABSTAIN))


def by_another_model(result: Result, *classes: str) -> Result:
    """Return the result as a model with these classes would have made it."""
    model = ModelIdentity("other-Fe", "2.0.0", "cd" * 32, "CPUExecutionProvider")
    prediction = replace(
        result.prediction, model=model, classes=classes, probabilities=None, label_set=()
    )
    return replace(result, prediction=prediction)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedTiled]:
    """A server with the three raw runs."""
    with EmbeddedTiled() as server:
        client = server.client()
        fill(client["processed"], tmp_path_factory.mktemp("spool"))
        client.context.close()
        yield server


@pytest.fixture
def runs(server: EmbeddedTiled) -> Iterator[Any]:
    """The container of analysis runs."""
    client = server.client()
    yield client["processed"]
    client.context.close()
