"""Network architectures compared on the same data."""
