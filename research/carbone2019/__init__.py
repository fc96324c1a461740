"""Carbone et al., Phys. Rev. Materials 3, 033604 (2019), reproduced; the family `carbone-cnn`."""
