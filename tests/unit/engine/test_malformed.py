"""Whatever comes in: nothing is raised, and other runs go on."""

from __future__ import annotations

import copy
import logging
import random
from pathlib import Path
from typing import Any

import event_model
import pytest
from engine_parts import feed, finals, make_registry, numbers
from hypothesis import HealthCheck, given, settings, strategies as st

from live_lce.analysis import Analysis
from live_lce.classifiers import Prediction
from live_lce.contract import Status
from live_lce.engine import Engine, Result, RunClosed
from live_lce.spectra import Spectrum
from live_lce.testing import compose, spectrum_rows

NAMES = st.sampled_from(["start", "descriptor", "event", "event_page", "stop", "datum", "nonsense"])
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just("primary")
)
KEYS = st.sampled_from(
    [
        "uid",
        "time",
        "run_start",
        "descriptor",
        "data",
        "data_keys",
        "name",
        "hints",
        "motors",
        "dimensions",
        "shape",
        "seq_num",
        "exit_status",
        "element",
        "edge",
        "XDI",
        "mono_energy",
        "I0",
        "It",
        "timestamps",
        "dtype",
        "units",
        "configuration",
    ]
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=20,
)
DOCUMENTS = st.dictionaries(KEYS, VALUES, max_size=10) | VALUES


def quick(spectrum: Spectrum) -> Analysis:
    """Only the way to the analysis is tested here."""
    return Analysis(Prediction(Status.ABSTAIN))


def check(outputs: list[Any]) -> None:
    assert all(isinstance(out, (Result, RunClosed)) for out in outputs)


@given(st.lists(st.tuples(NAMES, DOCUMENTS), max_size=20))
def test_nonsense(documents: list[tuple[str, Any]]) -> None:
    engine = Engine(analyse=quick)
    for name, doc in documents:
        check(engine(name, doc))
    check(engine.finish())
    assert engine.counters["documents"] == len(documents)


def mutate(doc: Any, rng: random.Random, values: list[Any]) -> None:
    """Spoil one place of a document."""
    while isinstance(doc, (dict, list)) and doc:
        key = rng.choice(list(doc) if isinstance(doc, dict) else range(len(doc)))
        if isinstance(doc[key], (dict, list)) and doc[key] and rng.random() < 0.7:
            doc = doc[key]
            continue
        if rng.random() < 0.4:
            del doc[key]
        else:
            doc[key] = rng.choice(values)
        return


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.randoms(use_true_random=False), st.lists(VALUES, min_size=1, max_size=5))
def test_spoiled_reordered_and_repeated_documents(rng: random.Random, values: list[Any]) -> None:
    documents = compose(spectrum_rows()[::12]) + compose(spectrum_rows()[::15], stream="fly")
    documents = [(name, copy.deepcopy(dict(doc))) for name, doc in documents]
    for _ in range(rng.randint(1, 8)):
        mutate(rng.choice(documents)[1], rng, values)
        i, j = rng.randrange(len(documents)), rng.randrange(len(documents))
        documents[i], documents[j] = documents[j], documents[i]
        documents.insert(i, documents[j])
    engine = Engine(analyse=quick)
    for name, doc in documents:
        check(engine(name, doc))
    check(engine.finish())
    assert engine.open_runs == ()


def test_other_runs_are_not_affected(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    registry = make_registry(tmp_path)
    good = compose(spectrum_rows())
    (expected,) = finals(feed(Engine(registry=registry), good))
    spoiled = []
    for name, doc in good:
        spoiled += [(name, None), (name, {}), (name, doc), (name, {**doc, "data": None, "uid": []})]
        spoiled += [("event", {"descriptor": good[1][1]["uid"], "seq_num": "x", "data": 3})]
    engine = Engine(registry=registry)
    with caplog.at_level(logging.WARNING):
        found = finals(feed(engine, spoiled))
    assert numbers(expected) in [numbers(r) for r in found]
    assert engine.counters["malformed"] > 100
    assert 0 < len(caplog.records) < 20  # once per kind
    assert all("malformed" in record.message for record in caplog.records)


def test_one_bad_row_does_not_take_its_page_with_it(tmp_path: Path) -> None:
    documents = compose(spectrum_rows())
    events = [doc for name, doc in documents if name == "event"]
    page = event_model.pack_event_page(*events)
    page["seq_num"][5] = None
    paged = [*documents[:2], ("event_page", page), documents[-1]]
    engine = Engine(registry=make_registry(tmp_path))
    (final,) = finals(feed(engine, paged))
    assert final.n_points == len(events) - 1
    assert engine.counters["malformed"] == 1


def test_a_second_start_document_changes_nothing(tmp_path: Path) -> None:
    registry = make_registry(tmp_path)
    documents = compose(spectrum_rows())
    doubled = [*documents[:50], documents[0], *documents[50:]]
    engine = Engine(registry=registry)
    assert [numbers(r) for r in finals(feed(engine, doubled))] == [
        numbers(r) for r in finals(feed(Engine(registry=registry), documents))
    ]
    assert engine.counters["malformed"] == 1
