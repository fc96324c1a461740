"""The family `lce`: one network for all absorbers, its training data and its thresholds."""
