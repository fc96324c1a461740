"""Carbone et al. (2019) reproduced: their tables and figures with ours beside them.

``python -m research.carbone2019.report --data ../shared/data/computed --out docs/reference/models``
writes carbone2019.md and its figures.  What is in carbone2019.jsonl already is not measured
again: delete that file to begin anew.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from research.carbone2019.figures import curve, figure_2, figure_3, figure_5, figure_6
from research.carbone2019.paper import TABLE_I, TABLE_II_AVERAGE
from research.carbone2019.protocol import SEED, Outcome, Variant
from research.carbone2019.spectra import Spectra
from research.carbone2019.tables import (
    MISSING,
    Results,
    average_macro,
    leak,
    table_classes,
    table_i,
    table_ii,
    table_iii,
    table_others,
    table_steps,
)
from research.carbone2019.tasks import (
    ABSOLUTE,
    AS_MANY_STEPS,
    DUPLICATED,
    FEWER,
    OURS,
    PAPERS,
    read_outcomes,
    rows_of,
    run,
    spectra_of,
    tasks,
)
from research.carbone2019.words import PAGE

NAME = "carbone2019"
LEAKS = ((DUPLICATED, "MLP"), (PAPERS, "MLP"), (PAPERS, "CNN"), (OURS, "MLP"), (OURS, "CNN"))
JUDGED = ("mlp_t4_o6", "mlp_s5", "cnn_t4_o6", "cnn_s5")


def page(
    results: Results, spectra: Mapping[str, Spectra], every: Mapping[str, int], n_missing: int
) -> str:
    """Return the report as Markdown.

    Parameters
    ----------
    results : Results
        What was measured.
    spectra : mapping
        Under the paper's label, duplicates removed, by absorber.
    every : mapping
        Number of spectra with duplicates.
    n_missing : int
        Tasks that were not run.
    """
    kept = {absorber: one.per_class() for absorber, one in spectra.items()}
    unfinished = f"{n_missing} of {len(tasks())} trainings are still to be run (shown as –).\n\n"
    return PAGE.format(
        seed=SEED,
        unfinished=unfinished if n_missing else "",
        table_i=table_i(kept, every, results),
        table_ii=table_ii(results),
        table_iii=table_iii(results),
        table_steps=table_steps(results),
        table_classes=table_classes(results),
        table_label=table_others(results, OURS),
        table_absolute=table_others(results, ABSOLUTE),
        leaks="\n".join(_leaks(results)),
        robustness=_robustness(results),
        **_judged(results, kept),
    )


def _judged(results: Results, kept: Mapping[str, Sequence[int]]) -> dict[str, str]:
    """Return the numbers that the judgement quotes."""
    found = {"paper_mlp": TABLE_II_AVERAGE[0], "paper_cnn": TABLE_II_AVERAGE[1]}
    for network in ("MLP", "CNN"):
        outcomes = [results.of(el, Variant(network)) for el in TABLE_I]
        means = np.array([o.per_class()[0] for o in outcomes if o is not None]).reshape(-1, 3)
        name = network.lower()
        found[name] = average_macro(outcomes)
        if len(means):
            found[f"{name}_t4_o6"] = f"{means[:, [0, 2]].mean():.2f}"
            found[f"{name}_s5"] = f"{means[:, 1].mean():.2f}"
    for absorber in ("V", "Co", "Ni"):
        long = Variant("MLP", epochs=AS_MANY_STEPS[absorber])
        found[f"{absorber.lower()}_short"] = _s5(results.of(absorber, Variant("MLP")))
        found[f"{absorber.lower()}_long"] = _s5(results.of(absorber, long))
    found["v_ours"] = _s5(results.get("V", OURS, "stratified", "MLP"))
    found["leak_duplicates"] = _leak(results, DUPLICATED, "MLP")
    found["leak_mlp"] = _leak(results, PAPERS, "MLP")
    found["leak_cnn"] = _leak(results, PAPERS, "CNN")
    found["few_s5"] = str(kept["V"][1] + kept["Co"][1])
    found["paper_few_s5"] = str(TABLE_I["V"][1] + TABLE_I["Co"][1])
    return dict.fromkeys(JUDGED, MISSING) | found


def _s5(outcome: Outcome | None) -> str:
    """Return the F1 of S5 on the folds that all have in common."""
    return MISSING if outcome is None else f"{np.mean(outcome.f1[:FEWER], axis=0)[1]:.2f}"


def _leaks(results: Results) -> list[str]:
    lines = ["| spectra | model | by spectrum less grouped | absorbers |", "|---|---|---|---|"]
    for spectra, network in LEAKS:
        n = leak(results, spectra, network)[2]
        lines.append(f"| `{spectra}` | {network} | {_leak(results, spectra, network)} | {n} |")
    return lines


def _leak(results: Results, spectra: str, network: str) -> str:
    mean, error, n = leak(results, spectra, network)
    return MISSING if n < 2 else f"{mean:+.3f} ± {error:.3f}"


def _robustness(results: Results) -> str:
    """Return macro F1 at the ends of Figs. 5 and 6, averaged over absorbers."""
    lines = ["| model | training spectra | as computed | -3 eV | +3 eV | noise 0.03 | noise 0.1 |"]
    lines.append("|---" * 7 + "|")
    for network in ("CNN", "MLP"):
        for how in ("none", "shifts", "noise"):
            found = [results.of(el, Variant(network, "full", how)) for el in TABLE_I]
            there = [o for o in found if o is not None]
            if not there:
                continue
            shift = np.mean([curve(o, "shift_curve") for o in there], axis=0)
            noise = np.mean([curve(o, "noise_curve") for o in there], axis=0)
            values = (noise[0], shift[0], shift[-1], noise[3], noise[-1])
            words = {"none": "not augmented", "shifts": "shifted", "noise": "with noise"}[how]
            note = "" if len(there) == len(found) else f" ({len(there)} absorbers)"
            cells = " | ".join(f"{value:.2f}" for value in values)
            lines.append(f"| {network} | {words}{note} | {cells} |")
    return "\n".join(lines)


def write(data: Path, out: Path) -> None:
    """Write the page and the figures from what was measured.

    Parameters
    ----------
    data : Path
        Folder of the Parquet files.
    out : Path
        Folder of the page, with the file of results.
    """
    outcomes = read_outcomes(out / f"{NAME}.jsonl")
    results = Results(outcomes)
    rows = rows_of(data, PAPERS)
    spectra = {absorber: spectra_of(data, absorber, PAPERS) for absorber in TABLE_I}
    every = {absorber: len(rows[absorber]) for absorber in TABLE_I}
    done = {(o.absorber, o.spectra, o.variant) for o in outcomes}
    missing = [task for task in tasks() if task.key not in done and task.possible(data)]
    figure_2(spectra, out / f"{NAME}-fig2.png")
    figure_3(results, out / f"{NAME}-fig3.png")
    figure_5(results, out / f"{NAME}-fig5.png")
    figure_6(results, out / f"{NAME}-fig6.png")
    (out / f"{NAME}.md").write_text(page(results, spectra, every, len(missing)))


def main(argv: Sequence[str] | None = None) -> None:
    """Measure what was not measured yet, and write the report."""
    parser = argparse.ArgumentParser(prog="research.carbone2019.report", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the Parquet files")
    parser.add_argument("--out", type=Path, required=True, help="folder of the report")
    parser.add_argument("--jobs", type=int, default=1, help="trainings at the same time")
    parser.add_argument("--no-training", action="store_true", help="only write what is there")
    options = parser.parse_args(argv)
    options.out.mkdir(parents=True, exist_ok=True)
    if not options.no_training:
        begun = time.perf_counter()
        for task, outcomes in run(options.data, options.out / f"{NAME}.jsonl", options.jobs):
            scores = ", ".join(f"{one.folds} {one.macro()[0]:.3f}" for one in outcomes)
            sys.stderr.write(
                f"{time.perf_counter() - begun:5.0f} s  {task.absorber} ({task.spectra})"
                f" {task.variant}: {scores or 'fewer than 30 spectra of a class'}\n"
            )
    write(options.data, options.out)
    sys.stdout.write(f"{options.out / NAME}.md\n")


if __name__ == "__main__":
    main()
