"""``live-lce replay``: documents from files, as if the scan ran now."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from live_lce.cli import _output
from live_lce.cli._output import number, styled

if TYPE_CHECKING:
    from rich.console import Console

    from live_lce.engine.engine import Engine
    from live_lce.engine.types import Result, RunClosed
    from live_lce.publish.publisher import Publisher

_HEADER = (
    f"{'last/eV':>9} {'points':>6} {'':5} {'edge':5} {'status':8} {'label':8} {'conf.':>5}  reason"
)


def replay(
    files: Annotated[list[Path], typer.Argument(help="JSON lines of bluesky documents.")],
    tiled: Annotated[
        str, typer.Option("--tiled", help="Address of a Tiled server; else the configured one.")
    ] = "",
    json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
    config: Annotated[Path | None, typer.Option(help="Configuration file.")] = None,
) -> None:
    """Replay recorded scans, and publish their predictions to Tiled.

    The predictions are those that the running scan would have had.  Runs that are no
    spectrum are left alone.  Without a Tiled server they are only printed.

    Examples
    --------
        live-lce replay scan.jsonl

        live-lce replay --tiled http://localhost:8000?api_key=secret backup/*.jsonl

        live-lce replay --json scan.jsonl > predictions.json
    """
    from live_lce.classifiers.registry import Registry
    from live_lce.cli._publishing import report, tiled_publisher
    from live_lce.config import load_config
    from live_lce.engine.engine import Engine

    loaded = load_config(config)
    publisher = None
    if tiled or loaded.tiled.uri:
        publisher = tiled_publisher(loaded, tiled, "replay")
    else:
        _output.note("No Tiled server is configured: the predictions are printed, not published.")
    engine = Engine(loaded.analysis, Registry.beside_shipped(loaded.models))
    session = _Session(engine, publisher, None if json else _output.console())
    published = True
    try:
        for path in files:
            session.replay(path)
    finally:
        if publisher is not None:
            publisher.close()
            published = report(publisher.counters)
    if json:
        counters = publisher.counters if publisher else None
        _output.print_json({**session.as_json(), "published": counters})
    else:
        session.explain()
    if not published or session.failed:
        raise typer.Exit(_output.FAILED)


class _Session:
    """What was replayed so far."""

    def __init__(
        self, engine: Engine, publisher: Publisher | None, console: Console | None
    ) -> None:
        self.engine = engine
        self.publisher = publisher
        self.console = console
        self.predictions: list[dict[str, Any]] = []
        self.left_alone: list[str] = []
        self.problems: list[str] = []
        self._heads: dict[str, str] = {}
        self._with_results: set[str] = set()

    @property
    def failed(self) -> bool:
        """Whether a file could not be read, or a prediction failed."""
        return bool(self.problems) or any(p["status"] == "failed" for p in self.predictions)

    def as_json(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            "predictions": self.predictions,
            "left_alone": self.left_alone,
            "problems": self.problems,
        }

    def replay(self, path: Path) -> None:
        """Replay one file; a file that cannot be read is reported."""
        from live_lce.sources.documents import DocumentsError, read_documents

        if not path.is_file():
            kind = (
                "is a folder: name its files" if path.is_dir() else "no such file: check the path"
            )
            self._problem(f"{path}: {kind}")
            return
        seen = False
        try:
            for name, doc in read_documents(path):
                seen = True
                began = time.perf_counter()
                if name == "start":
                    self._heads[str(doc.get("uid", ""))] = _head(path, doc)
                for output in self.engine(name, doc):
                    self._take(output, time.perf_counter() - began)
        except DocumentsError as error:
            self._problem(str(error))
        else:
            if not seen:
                self._problem(f"{path}: no documents: expected bluesky documents, one JSON a line")
        for output in self.engine.finish():
            self._take(output, 0.0)

    def explain(self) -> None:
        """Print what the codes in the lines mean, each once."""
        from live_lce.contract import REASON_WORDS, Reason

        said = (c for p in self.predictions for c in p["reason"].split(";"))
        codes = [c for c in dict.fromkeys(said) if c and c != Reason.SCAN_RUNNING.value]
        if self.console is not None and codes:
            self.console.print()
            for code in codes:
                self.console.print(
                    f"  {code}: {REASON_WORDS[Reason(code)]}", markup=False, soft_wrap=True
                )

    def _problem(self, text: str) -> None:
        self.problems.append(text)
        _output.note(f"live-lce: {text}")

    def _take(self, output: Result | RunClosed, latency: float) -> None:
        from live_lce.engine.types import RunClosed

        if isinstance(output, RunClosed):
            self._close(output)
            return
        if self.publisher is not None:
            self.publisher.result(output, latency)
        uid = output.run.uid
        found = _row(output)
        self.predictions.append(found)
        new = uid not in self._with_results
        self._with_results.add(uid)
        if self.console is None:
            return
        if new:
            self.console.print(f"\n[bold]{self._heads.get(uid, uid)}[/bold]\n{_HEADER}")
        self.console.print(_line(found), soft_wrap=True)

    def _close(self, closed: RunClosed) -> None:
        if self.publisher is not None:
            self.publisher.closed(closed)
        if closed.uid in self._with_results:
            return
        self.left_alone.append(closed.uid)
        if self.console is not None:
            head = self._heads.get(closed.uid, closed.uid)
            self.console.print(f"\n[bold]{head}[/bold]\nNo spectrum: left alone.")


def _head(path: Path, start: dict[str, Any]) -> str:
    scan = f", scan {start['scan_id']}" if "scan_id" in start else ""
    return f"{path.name}{scan}, run {str(start.get('uid', ''))[:8]}".replace("[", "\\[")


def _row(result: Result) -> dict[str, Any]:
    prediction, normalized = result.prediction, result.normalized
    probabilities = prediction.probabilities
    return {
        "uid": result.run.uid,
        "stream": result.run.stream,
        "spectrum_index": result.spectrum_index,
        "final": result.final,
        "last_energy": float(normalized.raw_energy[-1]) if normalized else None,
        "n_points": result.n_points,
        "raw_seq_num_last": result.raw_seq_num_last,
        "absorber": prediction.absorber,
        "edge": prediction.edge,
        "status": prediction.status.value,
        "reason": prediction.reason,
        "label": prediction.label,
        "confidence": float(prediction.confidence),
        "label_set": list(prediction.label_set),
        "probabilities": None
        if probabilities is None
        else dict(zip(prediction.classes, map(float, probabilities), strict=True)),
        "coverage": float(prediction.coverage),
        "e0": normalized.e0 if normalized else None,
        "edge_step": normalized.edge_step if normalized else None,
        "model": prediction.model.name,
    }


def _line(row: dict[str, Any]) -> str:
    from live_lce.contract import Reason

    status = styled(row["status"]) + " " * (8 - len(row["status"]))
    edge = f"{row['absorber']} {row['edge']}".strip() or "-"
    confidence = number(row["confidence"]) if row["label"] else "-"
    codes = [c for c in row["reason"].split(";") if c and c != Reason.SCAN_RUNNING.value]
    return (
        f"{number(row['last_energy'], 1):>9} {row['n_points']:>6} "
        f"{'final' if row['final'] else '':5} {edge:5} {status} "
        f"{_output.label_cell(row['label'], row['label_set'], row['reason']):8} "
        f"{confidence:>5}  {', '.join(codes)}"
    )
