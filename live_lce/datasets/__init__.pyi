# What this package makes public; __init__.py imports it from here when it is used.
from ._labelled import DataError as DataError, Labelled as Labelled
from ._rows import Rows as Rows
from ._standards import read_standards as read_standards
from ._tables import read_labelled as read_labelled
