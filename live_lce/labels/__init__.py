"""Labels of absorbing sites from crystal structures (extra ``train``): a structure in, labels out.

Three ways to name a site, because the literature has three: `crystalnn` (what our models learn),
`carbone` (Carbone et al. 2019) and `order_parameters` with `ranked` (Zheng et al. 2020).
"""
