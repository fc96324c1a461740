"""Train several small networks side by side, for little more than the cost of one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from live_lce.spectra import Array

Draw = Callable[[np.random.Generator], tuple[Array, NDArray[np.intp]]]
"""Gives the spectra of one epoch, (n_spectra, n_grid), as the network takes them, and for each
the row that it came from, (n_spectra,)."""
Progress = Callable[[int, float], None]
"""Is told the epoch, from 1, and the mean loss in it."""
Network = TypeVar("Network", bound=nn.Module)
EPOCHS = 50


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to train.

    Parameters
    ----------
    epochs : int
        Passes over the training spectra, at most.
    batch : int
        Spectra per step and member.
    learning_rate : float
        Of Adam.
    patience : int, optional
        Epochs without a lower loss on the rows kept for stopping after which a member has
        ended; None trains for all epochs.
    seed : int
        Of order, augmentation and dropout.  The weights that the network begins with are
        the caller's.
    device : str
        Where to train: "cpu", "cuda", ...
    """

    epochs: int = EPOCHS
    batch: int = 32
    learning_rate: float = 1e-3
    patience: int | None = None
    seed: int = 0
    device: str = "cpu"


@dataclass(frozen=True)
class Stopping:
    """What members are judged on after each epoch.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_grid)
        As the network takes them.
    judges : ndarray of bool, shape (n_members, n_rows)
        The rows that judge each member: none that it sees, and none that its metrics are
        computed on, which would flatter them.
    """

    values: Array
    judges: NDArray[np.bool_]


@dataclass(frozen=True)
class History:
    """How training went.

    Parameters
    ----------
    loss : ndarray of shape (n_epochs, n_members)
        Mean loss in training.
    judged : ndarray of shape (n_epochs, n_members)
        Loss on the rows kept for stopping; NaN without any.
    best : ndarray of int, shape (n_members,)
        The epoch, from 1, of the weights that were kept.
    """

    loss: Array
    judged: Array
    best: NDArray[np.intp]


def begin(build: Callable[[], Network], seed: int) -> Network:
    """Return a network with the first weights of a seed; torch's own randomness stays as it is."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return build()


def fit_members(
    network: nn.Module,
    draw: Draw,
    label: NDArray[np.intp],
    sees: NDArray[np.bool_],
    schedule: Schedule,
    weight: Array | None = None,
    stopping: Stopping | None = None,
    progress: Progress | None = None,
) -> History:
    """Train a network's members in place, each on its own rows in its own order.

    Parameters
    ----------
    network : Module
        Takes (n_members, batch, n_grid), gives logits (n_members, batch, n_classes); the first
        axis of each parameter is the member, or a multiple of it.
    draw : callable
        Called once an epoch.  A member gets only the spectra that came from rows it sees.
    label : ndarray of int, shape (n_rows,)
        Classes.
    sees : ndarray of bool, shape (n_members, n_rows)
        Training rows of each member.
    schedule : Schedule
        How long.
    weight : ndarray of shape (n_rows,), optional
        Of the rows in the loss.
    stopping : Stopping, optional
        With it each member keeps the weights of its best epoch.
    progress : callable, optional
        Called after each epoch.

    Returns
    -------
    History

    Raises
    ------
    ValueError
        If a member sees no row, or there is patience but nothing to judge by.
    """
    if not sees.any(axis=1).all():
        raise ValueError("a member sees no row: use fewer folds, or more spectra")
    if schedule.patience is not None and stopping is None:
        raise ValueError("patience needs rows to judge by: give `stopping`")
    torch.set_num_threads(1)  # steps are too small to be shared, and sums keep their order
    device = torch.device(schedule.device)
    network.to(device).train()
    row_label = torch.as_tensor(label, device=device)
    row_weight = torch.as_tensor(
        np.ones(len(label)) if weight is None else weight, dtype=torch.float32, device=device
    )
    optimizer = torch.optim.Adam(network.parameters(), schedule.learning_rate, eps=1e-7, fused=True)
    orders = [np.random.default_rng([schedule.seed, k]) for k in range(len(sees))]
    rng = np.random.default_rng(schedule.seed)
    keeper = None if stopping is None else _Keeper(network, stopping, row_label)
    losses, judged = [], []
    with torch.random.fork_rng():
        torch.manual_seed(schedule.seed)
        for epoch in range(1, schedule.epochs + 1):
            values, index = draw(rng)
            x = torch.as_tensor(values, dtype=torch.float32, device=device)
            source = torch.as_tensor(index, device=device)
            total = torch.zeros(len(sees), device=device)
            batches = _batches(index, sees, schedule.batch, orders).to(device)
            for chosen in batches:
                optimizer.zero_grad()
                rows = source[chosen]
                logits = network(x[chosen])
                each = functional.cross_entropy(
                    logits.flatten(0, 1), row_label[rows].flatten(), reduction="none"
                )
                # The sum over members: their gradients do not mix.
                of_member = (each.reshape(rows.shape) * row_weight[rows]).mean(dim=1)
                of_member.sum().backward()
                optimizer.step()
                total += of_member.detach()
            losses.append((total / len(batches)).cpu().numpy())
            if keeper is not None:
                judged.append(keeper.judge(epoch))
            if progress is not None:
                progress(epoch, float(losses[-1].mean()))
            if keeper is not None and keeper.ended(epoch, schedule.patience):
                break
    network.to("cpu").eval()
    loss = np.array(losses, dtype=np.float64)
    if keeper is None:
        return History(loss, np.full_like(loss, np.nan), np.full(len(sees), len(loss)))
    keeper.restore()
    return History(loss, np.array(judged), keeper.best_epoch)


def logits_of(network: nn.Module, values: Array) -> Array:
    """Return every member's logits, (n_members, n_spectra, n_classes), of prepared spectra."""
    members = _n_members(network)
    network.eval()
    with torch.no_grad():
        x = torch.as_tensor(values, dtype=torch.float32)
        return np.asarray(network(x.expand(members, *x.shape)), dtype=np.float64)


def unseen(of_members: Array, fold: NDArray[np.intp]) -> Array:
    """Return for each row what the member of its fold says, which did not see it.

    Parameters
    ----------
    of_members : ndarray of shape (n_members, n_rows, n_classes)
        Logits or probabilities.
    fold : ndarray of int, shape (n_rows,)
        The fold of each row.
    """
    chosen: Array = of_members[fold, np.arange(len(fold))]
    return chosen


def _batches(
    index: NDArray[np.intp], sees: NDArray[np.bool_], size: int, orders: list[np.random.Generator]
) -> Tensor:
    """Return spectra's positions, (n_batches, n_members, size).

    Members that have fewer spectra than others begin again with their first ones.
    """
    seen = [np.flatnonzero(of_member[index]) for of_member in sees]
    n_batches = -(-max(map(len, seen)) // size)
    order = [
        np.resize(rng.permutation(one), n_batches * size)
        for rng, one in zip(orders, seen, strict=True)
    ]
    stacked = np.stack(order).reshape(len(sees), n_batches, size).swapaxes(0, 1)
    return torch.from_numpy(np.ascontiguousarray(stacked))


def _n_members(network: nn.Module) -> int:
    return int(min(parameter.shape[0] for parameter in network.parameters()))


class _Keeper:
    """Keeps the weights of each member's best epoch."""

    def __init__(self, network: nn.Module, stopping: Stopping, label: Tensor) -> None:
        self.network = network
        self.values = torch.as_tensor(stopping.values, dtype=torch.float32, device=label.device)
        judges = torch.as_tensor(stopping.judges, dtype=torch.float32, device=label.device)
        self.judges = judges / judges.sum(dim=1, keepdim=True)
        self.label = label
        self.best_loss = np.full(len(judges), np.inf)
        self.best_epoch = np.zeros(len(judges), dtype=np.intp)
        self.kept = [p.detach().clone() for p in network.parameters()]

    def judge(self, epoch: int) -> Array:
        """Return each member's loss on its judging rows, and keep the members that improved."""
        members = len(self.judges)
        self.network.eval()
        with torch.no_grad():
            logits = self.network(self.values.expand(members, *self.values.shape))
            each = functional.cross_entropy(
                logits.flatten(0, 1), self.label.repeat(members), reduction="none"
            )
            loss: Array = (
                (each.reshape(members, -1) * self.judges).sum(dim=1).double().cpu().numpy()
            )
            for k in np.flatnonzero(loss < self.best_loss):
                self.best_loss[k], self.best_epoch[k] = loss[k], epoch
                for kept, now in zip(self.kept, self.network.parameters(), strict=True):
                    _of_member(kept, int(k), members).copy_(_of_member(now, int(k), members))
        self.network.train()
        return loss

    def ended(self, epoch: int, patience: int | None) -> bool:
        """Tell whether no member has improved for so many epochs."""
        return patience is not None and bool((epoch - self.best_epoch >= patience).all())

    def restore(self) -> None:
        """Put the best weights back."""
        with torch.no_grad():
            for kept, now in zip(self.kept, self.network.parameters(), strict=True):
                now.copy_(kept)


def _of_member(parameter: Tensor, member: int, members: int) -> Tensor:
    size = parameter.shape[0] // members
    return parameter[member * size : (member + 1) * size]
