"""What a publisher counts."""

from __future__ import annotations

COUNTERS = {
    "events_published": "Events that Tiled took.",
    "runs_published": "Runs completely in Tiled.",
    "runs_spooled": "Runs that stayed on disk: send them with `live-lce republish`.",
    "runs_resent": "Runs that failed at first and were sent again from disk.",
    "runs_skipped": "Runs that were complete in Tiled already.",
    "runs_rewritten": "Half-written runs that were deleted in Tiled and written again.",
    "runs_superseding": "Runs that supersede earlier analyses, or halves that cannot be deleted.",
    "runs_not_kept": "Runs that were not kept on disk, or not whole: spool or disk are full.",
    "partials_not_kept": "Partial predictions that a nearly full spool left out.",
    "runs_lost": "Runs that neither Tiled nor the disk took: replay them.",
    "errors": "Failures of Tiled, disk or software; each is in the log.",
}
"""Names and meanings of a publisher's counters."""
