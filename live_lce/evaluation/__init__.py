"""Measure how good a model is on labelled spectra: metrics, intervals, baselines."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
