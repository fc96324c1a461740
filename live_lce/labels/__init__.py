"""Label absorbing sites of crystal structures (extra ``train``).

Three ways to name a site, because the literature has three: `crystalnn` (what our models learn),
`carbone` (Carbone et al. 2019) and `order_parameters` with `ranked` (Zheng et al. 2020).
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
