"""Studies behind the models: reproductions, shipped families, checks.  Not in the wheel.

Run from the root of the repository: ``python -m research.lce.family --help``.
"""
