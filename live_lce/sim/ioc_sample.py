"""Write samples as text, so that they can be chosen over a network."""

from __future__ import annotations

from collections.abc import Mapping

from live_lce.sim.library import Sample, load_library, mixture


def to_text(fractions: Mapping[str, float]) -> str:
    """Return fractions by standard as text, such as ``Fe-hematite 0.7, Fe-andradite 0.3``."""
    return ", ".join(f"{key} {part!r}" for key, part in fractions.items())


def from_text(text: str) -> dict[str, float]:
    """Return the fractions by standard that a text says; a name alone counts as 1.

    Raises
    ------
    ValueError
        If a standard is not in the library, or a fraction is none; the message says what to do.
    """
    result: dict[str, float] = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        name, _, number = entry.partition(" ")
        if name not in load_library():
            known = ", ".join(load_library())
            raise ValueError(f"No standard is called {name!r}; there are {known}.")
        try:
            result[name] = float(number or 1.0)
        except ValueError:
            raise ValueError(f"{number!r} is no fraction of {name}: write `{name} 0.5`.") from None
    return result


def reacted(mixed: str, product: str, part: float) -> Sample:
    """Return a mixture of which a part has reacted to a product.

    Parameters
    ----------
    mixed, product : str
        As :func:`from_text` takes them; an empty product for no reaction.
    part : float
        Reacted part, 0 to 1.

    Raises
    ------
    ValueError
        If it is no sample; the message says what to do.
    """
    if not 0.0 <= part <= 1.0:
        raise ValueError(f"The reacted part must be between 0 and 1, not {part}.")
    first, second = from_text(mixed), from_text(product)
    if not first:
        raise ValueError("There must be a sample: write one such as `Fe-hematite 0.7, ...`.")
    if not second:
        return mixture(first)
    total = {key: (1.0 - part) * value for key, value in first.items()}
    for key, value in second.items():
        total[key] = total.get(key, 0.0) + part * value
    return mixture({key: value for key, value in total.items() if value > 0.0})
