"""Checks of single parts of the product on measured standards; each writes a page."""
