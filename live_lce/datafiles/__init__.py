"""Spectra from data files, whatever facility wrote them: see `files.read_spectra`.

A file becomes tables (`text`, `facilities`, `hdf5`), what their headers state is read in one
place (`header`), their columns get roles in another (`columns`), and each table becomes one
spectrum or several (`build`).
"""
