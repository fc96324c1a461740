"""Helpers that know nothing of XAS: text, imports, processes, private files, queues."""
