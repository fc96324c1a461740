"""From detector readings to a normalized spectrum: pure functions of arrays."""
