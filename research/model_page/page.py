"""Write the page of a family of models: tables, figures, and the compounds it fails on.

``python -m research.model_page.page --data ../shared/data --family lce
--out docs/reference/models``
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

from live_lce.classifiers import Registry
from live_lce.datasets import DataError
from live_lce.settings import AnalysisSettings
from research.model_page import figures, tables, words
from research.model_page.calibration import calibrated, label_sets
from research.model_page.cards import BENCHMARK, COMPUTED, EXPERIMENTAL, read_sets
from research.model_page.compare import NEAR, NEAR_COMPUTED
from research.model_page.compounds import (
    compounds_table,
    mixed_table,
    silent,
    taken_for_oxides,
    wrong,
)
from research.model_page.reach import CALIBRATED, reach
from research.model_page.spectra import BAND, draw_wrong
from research.model_page.study import Compared, Study, study

COMMAND = "python -m research.model_page.page --data {data} --family {family} --out {out}"
START, END = "<!-- reading of ", "<!-- end of reading -->"


def write(found: Study, out: Path, command: str) -> Path:
    """Write a page and its figures; what a person wrote in it stays.

    Parameters
    ----------
    found : Study
        The results.
    out : Path
        Folder; it is made.
    command : str
        That wrote it, for the page.

    Returns
    -------
    Path
        Of the page.
    """
    out.mkdir(parents=True, exist_ok=True)
    page = out / f"{found.family}.md"
    before = page.read_text(encoding="utf-8") if page.is_file() else ""
    figures.draw_classes(found, out / f"{found.family}-classes.png")
    figures.draw_reliability(found, out / f"{found.family}-reliability.png")
    figures.draw_risk(found, out / f"{found.family}-risk.png")
    curves = {n: one.curves for n, one in found.sets.items() if one.curves is not None}
    figures.draw_worse(curves, out / f"{found.family}-worse.png")
    measured, computed = found.sets.get(EXPERIMENTAL), found.sets.get(COMPUTED)
    judged = () if measured is None else measured.found.judged
    mistakes = wrong(judged)
    drawn = draw_wrong(
        mistakes,
        () if measured is None else measured.prepared,
        () if computed is None else computed.prepared,
        out / f"{found.family}-wrong.png",
    )
    text = words.PAGE.format(
        family=found.family,
        command=command,
        models=", ".join(f"{c.name} {c.version}" for _, c in sorted(found.cards.items())),
        reach=reach(found),
        calibrated=CALIBRATED,
        reading=reading(before, identity(found)),
        near=NEAR,
        near_computed=NEAR_COMPUTED,
        judges="".join(_judges(name, one) for name, one in found.sets.items()),
        absorbers=tables.absorbers(found),
        few=figures.FEW,
        label_sets="".join(
            words.LABEL_SETS.format(name=name, table=label_sets(found, one))
            for name, one in found.sets.items()
        ),
        worse="".join(
            words.WORSE.format(
                name=f"{name}, {one.whole.n} spectra",
                last_energy=tables.worse(one, "last_energy"),
                noise=tables.worse(one, "noise"),
                last_energy_calibrated=calibrated(one, "last_energy"),
                noise_calibrated=calibrated(one, "noise"),
            )
            for name, one in curves.items()
        ),
        wrong=compounds_table(mistakes),
        drawn=drawn,
        n_wrong=len(mistakes),
        low=BAND[0],
        high=BAND[1],
        silent=compounds_table(silent(judged)),
        others=compounds_table(taken_for_oxides(judged)),
        mixed=mixed_table(judged),
        benchmark=_benchmark(found),
    )
    page.write_text(text.rstrip("\n") + "\n", encoding="utf-8")
    return page


def identity(found: Study) -> str:
    """Return what tells these models from others of the family."""
    joined = "".join(card.sha256 for _, card in sorted(found.cards.items()))
    return hashlib.sha256(joined.encode()).hexdigest()[:8]


def reading(before: str, models: str) -> str:
    """Return what a person wrote in a page, with a remark if it was about other models.

    Parameters
    ----------
    before : str
        The page as it is; empty if there is none.
    models : str
        See :func:`identity`.
    """
    start, end = before.find(START), before.find(END)
    if start < 0 or end < start:
        return f"{START}{models} -->\n{END}"
    kept = before[start : end + len(END)]
    if kept.startswith(f"{START}{models} -->"):
        return kept
    return f"(Written about earlier models; this page is of {models}.)\n\n{kept}"


def main(argv: Sequence[str] | None = None) -> None:
    """Judge all families of a folder of models, and write the page of one."""
    parser = argparse.ArgumentParser(
        prog="research.model_page.page", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--data", type=Path, required=True, help="holds computed, experimental")
    parser.add_argument("--models", type=Path, default=Path("models"), help="folder of the models")
    parser.add_argument("--family", default="lce", help="the page's")
    parser.add_argument("--out", type=Path, required=True, help="folder of the page")
    parser.add_argument("--seed", type=int, default=0, help="of intervals and noise")
    options = parser.parse_args(argv)
    try:
        sets = read_sets(options.data)
        found = study(
            sets,
            Registry(options.models),
            options.family,
            AnalysisSettings(),
            seed=options.seed,
            tell=_tell,
        )
    except (DataError, ValueError) as error:
        parser.error(str(error))
    command = COMMAND.format(data=options.data, family=options.family, out=options.out)
    sys.stdout.write(f"{write(found, options.out, command)}\n")


def _tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def _judges(name: str, one: Compared) -> str:
    about = f"{words.ABOUT.get(name, '')}  Absorbers: {', '.join(one.absorbers)}."
    if one.left_out:
        about += f"  Not judged, as they do not name what they saw: {', '.join(one.left_out)}."
    return words.SET.format(name=name, about=about.strip(), table=tables.judges(one))


def _benchmark(found: Study) -> str:
    if BENCHMARK not in found.sets:
        return ""
    judged = found.sets[BENCHMARK].found.judged
    return words.BENCHMARK.format(
        wrong=compounds_table(wrong(judged)), silent=compounds_table(silent(judged))
    )


if __name__ == "__main__":
    main()
