"""Zheng et al., Patterns 1, 100013 (2020), reproduced; the family `zheng-rf`."""
