"""Every family of models judged on every set: what the page of one family is made from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from live_lce.classifiers import ModelCard, Registry
from live_lce.datasets import Labelled
from live_lce.datasets._prepared import Prepared, prepare
from live_lce.evaluation import Choice, Evaluation, evaluate
from live_lce.evaluation._measure import Metrics
from live_lce.evaluation._neighbours import neighbours_answers
from live_lce.settings import AnalysisSettings
from research.model_page.cards import BENCHMARK, COMPUTED
from research.model_page.compare import Curves, compared, curves

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Compared:
    """One set of spectra.

    Parameters
    ----------
    found : Evaluation
        Of the page's family.
    prepared : tuple of Prepared
        The rows of `found.judged`, in order.
    lines : dict
        Numbers by judge, the baselines first, the page's family last; all on the same rows.
    absorbers : tuple of str
        Whose rows these are: every family has a model for them.
    left_out : tuple of str
        Families that cannot be judged on this set, because they name no training spectra.
    by_absorber : dict
        Each family's numbers by absorber, of those that it has a model for.
    curves : Curves or None
        Of the page's family; not of the small benchmark.
    """

    found: Evaluation
    prepared: tuple[Prepared, ...]
    lines: dict[str, Metrics]
    absorbers: tuple[str, ...]
    left_out: tuple[str, ...]
    by_absorber: dict[str, dict[str, Metrics]]
    curves: Curves | None


@dataclass(frozen=True)
class Study:
    """What a page is made from.

    Parameters
    ----------
    family : str
        Of the page.
    cards : dict
        Of its models, by absorber.
    sets : dict
        Results by the set's name, see :func:`~research.model_page.cards.read_sets`.
    """

    family: str
    cards: dict[str, ModelCard]
    sets: dict[str, Compared]


def study(
    sets: Mapping[str, Sequence[Labelled]],
    registry: Registry,
    family: str,
    settings: AnalysisSettings,
    *,
    seed: int = 0,
    tell: Progress = lambda _: None,
) -> Study:
    """Judge all families of a folder, each once on each set.

    Parameters
    ----------
    sets : mapping
        Labelled spectra by the set's name; one of them may be the computed one.
    registry : Registry
        Holds the models.
    family : str
        The page's.
    settings : AnalysisSettings
        As a user has them.
    seed : int
        Of intervals and noise.
    tell : callable
        Is told of progress.

    Raises
    ------
    ValueError
        If there is no such family, or no spectra for it.
    """
    cards: dict[str, dict[str, ModelCard]] = {}
    for card in registry.cards():
        cards.setdefault(card.family, {})[card.absorber] = card
    if family not in cards:
        raise ValueError(f"no family {family}: there are {', '.join(sorted(cards)) or 'none'}")
    order = [*sorted(set(cards) - {family}), family]
    known = {f: all(card.training.spectra for card in cards[f].values()) for f in order}
    reference = prepare(sets[COMPUTED], settings) if COMPUTED in sets else None
    done: dict[str, Compared] = {}
    for name, rows in sets.items():
        judges = [one for one in order if known[one] or name != COMPUTED]
        chosen = [row for row in rows if row.absorber in cards[family]]
        if not chosen or family not in judges:
            continue
        found: dict[str, Evaluation] = {}
        for one in judges:
            tell(f"{one} on {name}")
            choice = Choice(registry, one)
            found[one] = evaluate(chosen, choice, settings, curves=False, seed=seed)
        prepared = prepare(chosen, settings)
        near = None
        if reference is not None and name != COMPUTED:
            near = neighbours_answers(prepared, reference)
        absorbers = {row.absorber for row in chosen}.intersection(*(cards[one] for one in judges))
        own, choice = found[family], Choice(registry, family)
        worse = None
        if name != BENCHMARK:
            worse = curves(own, prepared, choice, settings, seed, tell)
        done[name] = Compared(
            own,
            tuple(prepared),
            compared(found, absorbers, near, seed),
            tuple(sorted(absorbers)),
            tuple(one for one in order if one not in judges),
            {
                one: {a: s.metrics for a, s in e.absorbers.items() if a in cards[one]}
                for one, e in found.items()
            },
            worse,
        )
    if not done:
        raise ValueError(f"no labelled spectra for {', '.join(sorted(cards[family]))}")
    return Study(family, cards[family], done)
