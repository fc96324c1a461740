"""A simulated XAS beamline (extra `sim`)."""
