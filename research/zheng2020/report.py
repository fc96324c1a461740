"""Zheng et al. reproduced, beside the paper's numbers.

``python -m research.zheng2020.report --data ../shared/data --labels LABELS
--out docs/reference/models``
(LABELS: ``python -m research.label_tables.table``)
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from live_lce.datasets._rows import FILES, read_rows
from research.zheng2020.benchmark import read_benchmark
from research.zheng2020.figures import accuracy_figure, robustness_figure
from research.zheng2020.labels import read_labels
from research.zheng2020.page import page
from research.zheng2020.samples import read_spectra
from research.zheng2020.shipped import shipped
from research.zheng2020.study import study


def main(argv: Sequence[str] | None = None) -> None:
    """Measure everything, and write the page and its figures."""
    parser = argparse.ArgumentParser(prog="research.zheng2020.report", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="has computed and experimental")
    parser.add_argument("--labels", type=Path, required=True, help="table of order parameters")
    parser.add_argument("--out", type=Path, required=True, help="folder of the page")
    parser.add_argument("--models", type=Path, help="folder of the shipped models")
    parser.add_argument("--absorbers", nargs="*", help="only these; by default all with enough")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(argv)
    computed, experimental = options.data / "computed", options.data / "experimental"
    table, spectra = read_labels(options.labels), read_spectra(computed, FILES)
    benchmark = read_benchmark(experimental)
    found, without = [], {}
    begin = time.perf_counter()
    for absorber, rows in read_rows(computed, every=True).items():
        if options.absorbers and absorber not in options.absorbers:
            continue
        start = time.perf_counter()
        one = study(rows, table, absorber, spectra, benchmark.get(absorber), options.seed)
        if one is None:
            without[absorber] = len(rows)
        else:
            found.append(one)
        sys.stderr.write(f"{absorber}: {time.perf_counter() - start:.0f} s\n")
    options.out.mkdir(parents=True, exist_ok=True)
    accuracy_figure(found, options.out / "zheng2020-accuracy.png")
    robustness_figure(found, options.out / "zheng2020-robustness.png")
    here = shipped(options.models, benchmark)
    minutes = (time.perf_counter() - begin) / 60
    text = page(found, without, sum(len(b.id) for b in benchmark.values()), here, options.seed)
    (options.out / "zheng2020.md").write_text(text, encoding="utf-8")
    sys.stderr.write(f"{options.out / 'zheng2020.md'}: {minutes:.1f} min\n")


if __name__ == "__main__":
    main()
