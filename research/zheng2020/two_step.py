"""Zheng et al.'s two steps: the coordination numbers' ranking, then the motifs' within the first.

Experimental Procedures, "Hyper-parameter Optimization": what is not named there is scikit-learn's
default.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC

from research.zheng2020.labels import RankedLabels, names

Step = Literal["cn", "motif"]
Maker = Callable[[Step, int], Any]
"""From the step and a seed to an unfitted classifier."""
TREES: dict[Step, int] = {"cn": 30, "motif": 50}
NEIGHBOURS = 10
HIDDEN = (50, 100)

Features = NDArray[np.float32]


@dataclass(frozen=True)
class TwoStep:
    """The two fitted steps.

    Parameters
    ----------
    cn : classifier
        From features to the coordination numbers' ranked label.
    motif : dict
        By first coordination number: from features to the motifs' ranked label.
    """

    cn: Any
    motif: dict[int, Any]

    def predict(self, x: Features) -> RankedLabels:
        """Return the ranked labels of features (n, n_points)."""
        cn = np.asarray(self.cn.predict(x), dtype=np.str_)
        top = np.array([int(names(one, "")[0].removeprefix("CN_")) for one in cn], dtype=np.intp)
        motif = np.full(len(x), "", dtype=object)
        for number, model in self.motif.items():
            chosen = top == number
            if chosen.any():
                motif[chosen] = model.predict(x[chosen])
        return RankedLabels(cn, motif.astype(np.str_), top)


def fit_two_step(x: Features, labels: RankedLabels, make: Maker, seed: int = 0) -> TwoStep:
    """Fit both steps.

    Parameters
    ----------
    x : ndarray of float32, shape (n, n_points)
        Features.
    labels : RankedLabels
        Of the same spectra.
    make : callable
        One of :data:`MAKERS`.
    seed : int
        Of the randomness.

    Returns
    -------
    TwoStep
        A step with a single label always says that one.
    """
    motif = {}
    for number in np.unique(labels.top):
        chosen = (labels.top == number) & (labels.motif != "")
        if chosen.any():
            motif[int(number)] = _fit(x[chosen], labels.motif[chosen], make, "motif", seed)
    return TwoStep(_fit(x, labels.cn, make, "cn", seed), motif)


def _fit(x: Features, y: NDArray[np.str_], make: Maker, step: Step, seed: int) -> Any:
    if len(np.unique(y)) == 1:
        return DummyClassifier().fit(x, y)
    with warnings.catch_warnings():  # 200 epochs are scikit-learn's default, as in the paper
        warnings.simplefilter("ignore", ConvergenceWarning)
        return make(step, seed).fit(x, y)


def random_forest(step: Step, seed: int) -> RandomForestClassifier:
    """Return 30 trees for coordination numbers, 50 for motifs."""
    return RandomForestClassifier(TREES[step], random_state=seed, n_jobs=1)


def neighbours(step: Step, seed: int) -> KNeighborsClassifier:
    """Return ten neighbours by Manhattan distance."""
    return KNeighborsClassifier(NEIGHBOURS, metric="manhattan")


def support_vectors(step: Step, seed: int) -> SVC:
    """Return C = 100 with radial kernels of gamma = 1 / (points x variance), the paper's 0.013."""
    return SVC(C=100.0, gamma="scale")


def perceptron(step: Step, seed: int) -> MLPClassifier:
    """Return two hidden layers of 50 and 100 rectified units, scikit-learn's 200 epochs at most."""
    return MLPClassifier(HIDDEN, random_state=seed)


def convolution(step: Step, seed: int) -> Any:
    """Return the convolutional network."""
    from research.zheng2020.network import ConvolutionClassifier

    return ConvolutionClassifier(seed)


def majority(step: Step, seed: int) -> DummyClassifier:
    """Return the baseline that always says the commonest label."""
    return DummyClassifier()


MAKERS: dict[str, Maker] = {
    "random forest": random_forest,
    "kNN": neighbours,
    "SVC": support_vectors,
    "MLP": perceptron,
    "CNN": convolution,
    "majority": majority,
}
"""The paper's classifiers by its names."""
