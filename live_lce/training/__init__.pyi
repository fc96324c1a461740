# What this package makes public; __init__.py imports it from here when it is used.
from ._own_job import Job as Job, JobError as JobError, Trained as Trained, train_one as train_one
