# What this package makes public; __init__.py imports it from here when it is used.
from ._atlas import Atlas as Atlas
from ._card import Grid as Grid, ModelCard as ModelCard
from ._occlusion import Occlusion as Occlusion, occlusion as occlusion
from ._registry import ModelDamagedError as ModelDamagedError, Registry as Registry
from ._types import ModelIdentity as ModelIdentity, Prediction as Prediction
