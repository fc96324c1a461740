"""What makes fixtures, recorded runs, screenshots and generated pages.  Not in the wheel.

Run from the root of the repository: ``python -m tools.contract_page``.
"""
