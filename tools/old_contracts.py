"""Analysis runs as older versions of live_lce published them.

    python -m tools.old_contracts

The code of each commit below, with its models, analyses one synthetic Fe scan; what it would
send to Tiled is kept in ``tests/data/contract-*.jsonl.gz``, for tests that old runs can be read.
"""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LAST = {
    "1.0": "5adfcbb^",
    "1.1": "b105dde^",
    "1.2": "c175b93^",
    "1.3": "4ec4423^",
    "1.4": "a3eb223",
}
"""The last commit of each version of the contract."""
PARTS = "a3eb223"
"""The commit whose ``tests/`` composes the scan, in the names that the old code knows."""
RAW_UID = "0b1ffa52-3333-4c4c-8888-0123456789ab"

SCRIPT = f"""
import sys
from pathlib import Path
from engine_parts import SCAN, compose, spectrum_rows
from live_lce.classifiers.registry import Registry
from live_lce.contract import CONTRACT_VERSION
from live_lce.engine.engine import Engine
from live_lce.engine.types import Result
from live_lce.publish.publisher import SpoolPublisher
from live_lce.settings import AnalysisSettings, Pacing

settings = AnalysisSettings(pacing=Pacing(interval=40))
publisher = SpoolPublisher(
    Path(sys.argv[1]), settings=settings, source="RE", now=lambda: 1.7e9 + 400
)
engine = Engine(settings, Registry())
documents = compose(spectrum_rows(0.6)[::2], start=SCAN | {{"sample": "rust"}}, uid="{RAW_UID}")
for name, doc in documents:
    for output in engine(name, doc):
        if isinstance(output, Result):
            publisher.result(output, 0.0)
        else:
            publisher.closed(output)
publisher.close()
print(CONTRACT_VERSION)
"""


def unpack(commit: str, folder: Path) -> None:
    """Write the files of a commit into a folder."""
    archive = subprocess.run(
        ["git", "-C", ROOT, "archive", commit], capture_output=True, check=True
    ).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
        packed.extractall(folder, filter="data")


def main() -> None:
    """Write the files."""
    for version, commit in LAST.items():
        with tempfile.TemporaryDirectory() as folder:
            tree, spool = Path(folder) / "tree", Path(folder) / "spool"
            parts = Path(folder) / "parts"
            unpack(commit, tree)
            unpack(PARTS, parts)
            paths = os.pathsep.join([str(tree), str(parts / "tests")])
            made = subprocess.run(
                [sys.executable, "-c", SCRIPT, spool],
                env={**os.environ, "PYTHONPATH": paths},
                cwd=tree,
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
            if made.stdout.strip() != version:
                raise RuntimeError(f"{commit} wrote contract {made.stdout.strip()}, not {version}")
            (file,) = spool.glob("*.jsonl")
            kept = ROOT / "tests" / "data" / f"contract-{version}.jsonl.gz"
            kept.write_bytes(gzip.compress(file.read_bytes(), mtime=0))
            print(kept.name, kept.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
