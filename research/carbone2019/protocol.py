"""The protocol of Carbone et al. (2019), section II C, and the same with grouped folds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from torch import nn

from live_lce.spectra import Array
from live_lce.training._augment import SHIFTS as TRAINING_SHIFTS
from live_lce.training._cross_validation import class_f1
from live_lce.training._distance import standardized
from live_lce.training._ensemble import EPOCHS, Draw, Schedule, begin, fit_members, logits_of
from live_lce.training._ensemble_model import member_rows
from live_lce.training._networks import CarboneCNN, CarboneMLP
from research.carbone2019.spectra import SHIFTS, Spectra

N_FOLDS = 10
N_CLASSES = 3
NOISE = 0.03
"""Standard deviation of the training spectra's noise in Fig. 6, at maximum 1."""
NOISES = np.linspace(0.0, 0.1, 11)
SEED = 0
NETWORKS: dict[str, Callable[..., nn.Module]] = {"MLP": CarboneMLP, "CNN": CarboneCNN}


@dataclass(frozen=True)
class Variant:
    """What is trained.

    Parameters
    ----------
    network : str
        "MLP" or "CNN".
    region : str
        "full", or "pre": only the points below the dashed line.
    augmentation : str
        "shifts", "none" or "noise".
    epochs : int
        50 in the paper.
    """

    network: str
    region: str = "full"
    augmentation: str = "shifts"
    epochs: int = EPOCHS


@dataclass(frozen=True)
class Outcome:
    """Results of one variant on one set of spectra with one kind of folds.

    Parameters
    ----------
    absorber : str
        Element symbol.
    spectra : str
        Which spectra: label and grid.
    folds : str
        "stratified" (by spectrum) or "grouped" (near-duplicates and formulas together).
    variant : Variant
        What was trained.
    n : tuple of int
        Spectra per class.
    f1 : list of shape (n_folds, n_classes)
        On the held-out fold.
    shift_curve, noise_curve : list of shape (n_steps, n_folds)
        Macro F1 against shifts and noise of the held-out fold; empty if not asked for.
    """

    absorber: str
    spectra: str
    folds: str
    variant: Variant
    n: tuple[int, ...]
    f1: list[list[float]]
    shift_curve: list[list[float]]
    noise_curve: list[list[float]]

    def macro(self) -> tuple[float, float]:
        """Return mean and standard deviation over folds of the macro F1."""
        of_fold = np.mean(self.f1, axis=1)
        return float(of_fold.mean()), float(of_fold.std(ddof=1))

    def per_class(self) -> tuple[Array, Array]:
        """Return mean and standard deviation over folds of each class's F1."""
        f1 = np.array(self.f1)
        return f1.mean(axis=0), f1.std(axis=0, ddof=1)

    def to_json(self) -> dict[str, Any]:
        """Return it for :meth:`from_json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Outcome:
        """Return what :meth:`to_json` was given."""
        fixed = {"variant": Variant(**values["variant"]), "n": tuple(values["n"])}
        return cls(**{**values, **fixed})


def stratified_folds(spectra: Spectra) -> NDArray[np.intp]:
    """Return ten folds by spectrum with equal shares of the classes, as the paper."""
    return _dealt(StratifiedKFold(N_FOLDS, shuffle=True, random_state=SEED), spectra)


def grouped_folds(spectra: Spectra) -> NDArray[np.intp]:
    """Return ten folds of whole groups with nearly equal shares of the classes."""
    return _dealt(StratifiedGroupKFold(N_FOLDS, shuffle=True, random_state=SEED), spectra)


FOLDS = {"stratified": stratified_folds, "grouped": grouped_folds}


def measure(
    absorber: str,
    name: str,
    spectra: Spectra,
    variant: Variant,
    kinds: Sequence[str] = ("stratified", "grouped"),
    curves: bool = False,
    n_tested: int = N_FOLDS,
) -> list[Outcome]:
    """Train a variant on ten folds of each kind, all side by side, and test each on its fold.

    Parameters
    ----------
    absorber, name : str
        For the outcomes.
    spectra : Spectra
        Without duplicates, as the paper.
    variant : Variant
        What to train.
    kinds : sequence of str
        Of :data:`FOLDS`.
    curves : bool
        Whether to test against shifts and noise too.
    n_tested : int
        How many of the ten folds are trained for and tested on.

    Returns
    -------
    list of Outcome
        One per kind.
    """
    stop = spectra.n_pre if variant.region == "pre" else len(spectra.energies)
    fold = np.stack([FOLDS[kind](spectra) for kind in kinds])
    sees = np.concatenate([member_rows(one, N_FOLDS)[:n_tested] for one in fold])
    network = begin(partial(NETWORKS[variant.network], len(sees), stop, N_CLASSES), SEED)
    draw = _drawn(spectra, variant.augmentation, stop)
    fit_members(network, draw, spectra.label, sees, Schedule(epochs=variant.epochs, seed=SEED))

    def tested(values: Array) -> Array:
        guess = logits_of(network, _prepared(values, stop)).argmax(axis=2)
        return np.array([_f1(spectra.label, g, ~s) for g, s in zip(guess, sees, strict=True)])

    rng = np.random.default_rng(SEED)
    noise = rng.standard_normal(spectra.base().shape)
    f1 = tested(spectra.base())
    by_shift = [tested(spectra.at(s)).mean(axis=1) for s in SHIFTS] if curves else []
    by_noise = [tested(spectra.base() + s * noise).mean(axis=1) for s in NOISES] if curves else []

    def of_kind(index: int, values: Array | list[Array]) -> list[list[float]]:
        rows = np.array(values)[..., index * n_tested : (index + 1) * n_tested]
        return [[round(float(value), 4) for value in row] for row in rows]

    return [
        Outcome(
            absorber=absorber,
            spectra=name,
            folds=kind,
            variant=variant,
            n=spectra.per_class(),
            f1=np.round(f1[index * n_tested : (index + 1) * n_tested], 4).tolist(),
            shift_curve=of_kind(index, by_shift),
            noise_curve=of_kind(index, by_noise),
        )
        for index, kind in enumerate(kinds)
    ]


def _f1(label: NDArray[np.intp], guess: NDArray[np.intp], test: NDArray[np.bool_]) -> Array:
    return class_f1(label[test], guess[test], N_CLASSES)


def _dealt(splitter: Any, spectra: Spectra) -> NDArray[np.intp]:
    fold = np.empty(len(spectra.label), dtype=np.intp)
    groups = spectra.group if isinstance(splitter, StratifiedGroupKFold) else None
    parts = splitter.split(spectra.label[:, None], spectra.label, groups)
    for index, (_, test) in enumerate(parts):
        fold[test] = index
    return fold


def _prepared(values: Array, stop: int) -> Array:
    """Return full spectra standardized, and then cut: Eq. 2 of the paper cuts such vectors."""
    cut: Array = standardized(values)[:, :stop]
    return cut


def _drawn(spectra: Spectra, augmentation: str, stop: int) -> Draw:
    """Return the training spectra of every epoch: made once, as in the paper."""
    base = spectra.base()
    if augmentation == "shifts":
        copies = [spectra.at(shift) for shift in TRAINING_SHIFTS]
    elif augmentation == "noise":
        rng = np.random.default_rng(SEED + 1)
        noisy = [base + NOISE * rng.standard_normal(base.shape) for _ in TRAINING_SHIFTS[1:]]
        copies = [base, *noisy]
    else:
        copies = [base]
    values = _prepared(np.concatenate(copies), stop)
    index = np.tile(np.arange(len(base)), len(copies))
    return lambda _: (values, index)
