# What this package makes public; __init__.py imports it from here when it is used.
from ._sites import (
    LabelledSite as LabelledSite,
    fractions as fractions,
    label_structure as label_structure,
)
from ._structures import read_structure as read_structure
