# What this package makes public; __init__.py imports it from here when it is used.
from ._choice import Choice as Choice, choose as choose
from ._evaluate import Evaluation as Evaluation, evaluate as evaluate
from ._report import as_values as as_values
