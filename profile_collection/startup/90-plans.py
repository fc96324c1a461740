"""Plans with simple arguments, for people at a prompt and for the queueserver.

``RE(xanes("Fe"))``, or ``BPlan("xanes", "Fe")`` through bluesky-queueserver's clients.
"""

from bluesky import plan_stubs as _stubs

from live_lce.sim import plans as _plans, reaction as _reaction


def _start(mixture: str) -> None:
    if mixture:
        load_sample(mixture)
        furnace.reaction = None


def xanes(element: str, edge: str = "K", sample: str = "", mixture: str = "", dwell: float = 1.0):
    """Step-scan an edge once.

    Parameters
    ----------
    element : str
        Absorbing element, such as Fe.
    edge : str
        Absorption edge, such as K.
    sample : str
        Name of the sample.
    mixture : str
        Simulated beamline: put this into the beam first, such as `Fe-hematite 0.5,
        Fe-andradite 0.5`.
    dwell : float
        Count time per point in s.
    """
    _start(mixture)
    return (
        yield from _plans.xanes(
            [*DETECTORS, furnace],
            mono,
            element,
            edge,
            sample=sample or mixture,
            truth=furnace.truth,
            dwell=dwell,
        )
    )


def insitu_series(
    element: str,
    edge: str = "K",
    n_scans: int = 10,
    first: float = 25.0,
    last: float = 900.0,
    sample: str = "",
    before: str = "",
    after: str = "",
    dwell: float = 1.0,
):
    """Scan an edge again and again while the furnace goes from a temperature to another.

    Parameters
    ----------
    element : str
        Absorbing element, such as Fe.
    edge : str
        Absorption edge, such as K.
    n_scans : int
        How many.
    first : float
        Temperature of the first scan in degrees Celsius.
    last : float
        Temperature of the last scan.
    sample : str
        Name of the sample.
    before : str
        Simulated beamline: what is in the beam at first, such as `Fe-hematite`.
    after : str
        Simulated beamline: what it has reacted to at the end.
    dwell : float
        Count time per point in s.
    """
    if bool(before) != bool(after):
        raise ValueError("A simulated reaction needs both: `before` and `after`.")
    if before:
        _start(before)
        furnace.reaction = _reaction.Reaction(
            _from_text(before), _from_text(after), _reaction.Sigmoid(first, last)
        )
    return (
        yield from _plans.insitu_series(
            DETECTORS,
            mono,
            furnace,
            element,
            edge,
            n_scans=n_scans,
            sample=sample or before,
            temperatures=(first, last),
            dwell=dwell,
        )
    )


if BEAMLINE == "fly":
    from live_lce.sim import fly as _fly

    def xanes_fly(
        element: str,
        edge: str = "K",
        sample: str = "",
        mixture: str = "",
        n_points: int = 701,
        velocity: float = 0.5,
    ):
        """Fly over an edge once.

        Parameters
        ----------
        element : str
            Absorbing element, such as Fe.
        edge : str
            Absorption edge, such as K.
        sample : str
            Name of the sample.
        mixture : str
            Simulated beamline: put this into the beam first.
        n_points : int
            Points, at equal steps of the energy.
        velocity : float
            In eV/s.
        """
        _start(mixture)
        return (
            yield from _fly.xanes_fly(
                DETECTORS,
                mono,
                element,
                edge,
                sample=sample or mixture,
                truth=furnace.truth,
                n_points=n_points,
                velocity=velocity,
            )
        )


def foil_calibration(element: str, edge: str = "K"):
    """Scan the reference foil of an element, and print how far the energies are off.

    Parameters
    ----------
    element : str
        Element of the foil, such as Fe.
    edge : str
        Absorption edge, such as K.
    """
    return (yield from _plans.foil_calibration([chambers], mono, element, edge))


def wait_for_predictions(timeout: float = 60.0):
    """Wait until all that was measured is predicted and published.

    To be queued last: the queueserver kills its worker half a second after the environment was
    closed, and `live-lce replay` must then do what was left.

    Parameters
    ----------
    timeout : float
        In s.
    """
    for _ in range(max(1, round(timeout / 0.2))):
        if live.flush(0.0):
            return
        yield from _stubs.sleep(0.2)
    raise TimeoutError(f"live_lce has not done all after {timeout} s: is Tiled slow, or away?")
