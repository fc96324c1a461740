"""Members side by side: the paper's networks, each trained on its own rows only."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra `train`")

N_ROWS, N_GRID = 96, 40


@pytest.fixture(scope="module")
def problem():
    """Return spectra with a peak whose place is their class, as `fit_members` wants them."""
    rng = np.random.default_rng(0)
    label = np.arange(N_ROWS) % 3
    x = np.arange(N_GRID)
    centre = 10 + 10 * label[:, None] + rng.normal(size=(N_ROWS, 1))
    values = np.exp(-(((x - centre) / 3) ** 2)) + 0.05 * rng.normal(size=(N_ROWS, N_GRID))
    return values, label, rng.integers(0, 4, N_ROWS)


def _fit(network, values, label, sees, **options):
    from live_lce.training._ensemble import Schedule, fit_members

    index = np.arange(len(values))
    schedule = Schedule(**{"epochs": 3, "learning_rate": 3e-3, **options.pop("schedule", {})})
    return fit_members(network, lambda _: (values, index), label, sees, schedule, **options)


def test_parameters_are_those_of_the_paper():
    from live_lce.training._networks import CarboneCNN, CarboneMLP

    dense = 90 * 60 + 60 + 60 * 20 + 20 + 20 * 3 + 3
    convolution, pooled = 8 * 10 + 8, 8 * 45  # 100 points - 10 + 1, in pairs
    wanted = {CarboneMLP: 100 * 90 + 90 + dense, CarboneCNN: convolution + pooled * 90 + 90 + dense}
    for build, n in wanted.items():
        assert sum(p.numel() for p in build(1).parameters()) == n
        assert sum(p.numel() for p in build(5).parameters()) == 5 * n


def test_each_member_is_the_network_of_torchs_own_layers():
    from torch import nn

    from live_lce.training._networks import CarboneCNN

    members = CarboneCNN(3).eval()
    spectra = torch.randn(3, 7, 100)
    got = members(spectra)
    for k in range(3):
        layers = [nn.Conv1d(1, 8, 10), nn.ReLU(), nn.MaxPool1d(2), nn.Flatten()]
        layers[0].weight.data = members.filters[8 * k : 8 * k + 8].data
        layers[0].bias.data = members.offsets[8 * k : 8 * k + 8].data
        for weight, bias in zip(members.weights, members.biases, strict=True):
            dense = nn.Linear(*weight.shape[1:])
            dense.weight.data, dense.bias.data = weight[k].T, bias[k, 0]
            layers += [dense, nn.ReLU()]
        alone = nn.Sequential(*layers[:-1])(spectra[k][:, None])
        torch.testing.assert_close(got[k], alone, atol=1e-5, rtol=1e-5)


def test_a_member_learns_as_it_would_alone(problem):
    from live_lce.training._ensemble import begin
    from live_lce.training._networks import CarboneCNN

    values, label, fold = problem
    together = begin(partial(CarboneCNN, 4, N_GRID, dropout=0.0), 1)
    alone = CarboneCNN(1, N_GRID, dropout=0.0)
    for mine, theirs in zip(alone.parameters(), together.parameters(), strict=True):
        mine.data = theirs[: len(mine)].detach().clone()
    sees = np.stack([fold != 0] * 4)
    _fit(together, values, label, sees)
    _fit(alone, values, label, sees[:1])
    for mine, theirs in zip(alone.parameters(), together.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs[: len(mine)], atol=1e-5, rtol=1e-4)


def test_nothing_of_a_held_out_row_reaches_its_member(problem):
    from live_lce.training._ensemble import begin, logits_of
    from live_lce.training._ensemble_model import member_rows
    from live_lce.training._networks import CarboneMLP

    values, label, fold = problem
    poisoned = np.where((fold == 2)[:, None], np.nan, values)
    network = begin(partial(CarboneMLP, 4, N_GRID), 1)
    _fit(network, poisoned, label, member_rows(fold, 4))
    clean = np.isfinite(logits_of(network, values)).all(axis=(1, 2))
    assert clean.tolist() == [False, False, True, False]


def test_augmentation_mixes_within_a_fold_only():
    from live_lce.classifiers import Grid
    from live_lce.datasets._rows import FINE
    from live_lce.training._augment import Augmentation, augmented

    fold = np.arange(40) % 4
    norm = np.ones((40, FINE.size))
    norm[fold == 3] = np.nan
    values, index = augmented(
        norm,
        np.zeros(40, dtype=int),
        Grid(start=-18, stop=16, n_points=20),
        Augmentation(mix=1.0),
        np.random.default_rng(0),
        fold,
    )
    finite = np.isfinite(values).all(axis=1)
    assert (finite == (fold[index] != 3)).all()


def test_the_same_seed_gives_the_same_members_and_another_seed_others(problem):
    from live_lce.training._ensemble import begin, logits_of
    from live_lce.training._networks import CarboneCNN

    values, label, fold = problem
    sees = np.stack([fold != 0, fold != 1])
    found = []
    for seed in (5, 5, 6):
        network = begin(partial(CarboneCNN, 2, N_GRID), 5)
        _fit(network, values, label, sees, schedule={"seed": seed})
        found.append(logits_of(network, values))
    np.testing.assert_array_equal(found[0], found[1])
    assert np.abs(found[0] - found[2]).max() > 1e-3


def test_it_stops_early_with_the_weights_of_the_best_epoch(problem):
    from live_lce.training._ensemble import Stopping, begin, logits_of
    from live_lce.training._networks import CarboneMLP

    values, label, fold = problem
    wrong = np.where(fold == 1, (label + 1) % 3, label)  # what is learnt elsewhere is wrong there
    judges = np.stack([fold == 1, fold == 1])
    sees = np.stack([fold > 1, fold == 0])
    heard = []
    network = begin(partial(CarboneMLP, 2, N_GRID), 1)
    history = _fit(
        network,
        values,
        wrong,
        sees,
        schedule={"epochs": 60, "patience": 3},
        stopping=Stopping(values, judges),
        progress=lambda epoch, loss: heard.append((epoch, loss)),
    )
    assert len(history.loss) == max(history.best) + 3 < 60
    assert [epoch for epoch, _ in heard] == list(range(1, len(history.loss) + 1))
    np.testing.assert_array_equal(history.judged.argmin(axis=0) + 1, history.best)
    logits = torch.tensor(logits_of(network, values)[:, fold == 1])
    target = torch.tensor(wrong[fold == 1])
    again = [float(torch.nn.functional.cross_entropy(one, target)) for one in logits]
    np.testing.assert_allclose(again, history.judged.min(axis=0), rtol=1e-5)


def test_what_cannot_be_trained_is_refused(problem):
    from live_lce.training._networks import CarboneMLP

    values, label, fold = problem
    network = CarboneMLP(2, N_GRID)
    with pytest.raises(ValueError, match="sees no row"):
        _fit(network, values, label, np.stack([fold < 9, fold > 9]))
    with pytest.raises(ValueError, match="patience needs rows"):
        _fit(network, values, label, np.stack([fold < 9] * 2), schedule={"patience": 2})
