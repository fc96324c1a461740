"""Architecture by experiment: models and trainings compared on the same folds.

``python -m research.architectures.compare --data ../shared/data --out docs/reference/models``
writes architectures.md.  What is in architectures.jsonl already is not measured again: delete that
file to begin anew.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from research.architectures.measure import Outcome, measure, read_measured
from research.architectures.page import page
from research.architectures.plan import candidates
from research.lce.pool import read_pool

NAME = "architectures"
N_FOLDS, SEED = 5, 0


def read_outcomes(record: Path) -> list[Outcome]:
    """Return what was measured already, nothing if the file is missing."""
    if not record.exists():
        return []
    return [Outcome(**json.loads(line)) for line in record.read_text().splitlines()]


def run(data: Path, record: Path) -> None:
    """Measure what is not in the record yet.

    Parameters
    ----------
    data : Path
        Holds `computed` and `experimental`.
    record : Path
        JSON lines, one outcome each; made if it is missing.
    """
    done = {one.name for one in read_outcomes(record)}
    left = [one for one in candidates() if one.name not in done]
    if not left:
        return
    pool = read_pool(data / "computed", N_FOLDS, SEED)
    measured = read_measured(data / "experimental", pool.absorbers)
    for candidate in left:
        outcomes = measure(candidate, pool, measured)
        with record.open("a") as file:
            file.writelines(json.dumps(one.to_json()) + "\n" for one in outcomes)
        one = outcomes[0]
        mean = sum(one.f1.values()) / len(one.f1)
        sys.stderr.write(
            f"{candidate.name}: F1 {mean:.3f}, measured {one.right:.3f}, {one.seconds:.0f} s\n"
        )


def main(argv: Sequence[str] | None = None) -> None:
    """Measure what was not measured yet, and write the page."""
    parser = argparse.ArgumentParser(prog="research.architectures.compare", description=__doc__)
    parser.add_argument(
        "--data", type=Path, required=True, help="folder that holds computed and experimental"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the page")
    parser.add_argument("--no-training", action="store_true", help="only write what is there")
    options = parser.parse_args(argv)
    options.out.mkdir(parents=True, exist_ok=True)
    record = options.out / f"{NAME}.jsonl"
    if not options.no_training:
        run(options.data, record)
    outcomes = read_outcomes(record)
    if not any(one.section == "seed" for one in outcomes):
        parser.error(f"no chosen network in {record}: run without --no-training")
    (options.out / f"{NAME}.md").write_text(page(outcomes))
    sys.stdout.write(f"{options.out / NAME}.md\n")


if __name__ == "__main__":
    main()
