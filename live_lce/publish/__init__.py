"""Results to analysis documents, and those to Tiled."""
