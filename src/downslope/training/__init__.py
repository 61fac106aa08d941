"""One fit, from rows to weights: scale, choose what was left open, walk, translate back.

``train`` is what the estimators do between checking their input and setting their attributes.

===========  ==================================================================
``trained``  what a fit is asked for, and what it leaves behind
``choices``  what the settings leave open
``fits``     ``train`` at one go, ``train_more`` in parts
===========  ==================================================================
"""

from downslope.training.choices import choose_scaling, pick_rate
from downslope.training.fits import train, train_more
from downslope.training.trained import (
    Settings,
    Trained,
    answer,
    objective,
    user_trace,
    weight_names,
)

__all__ = [
    "Settings",
    "Trained",
    "answer",
    "choose_scaling",
    "objective",
    "pick_rate",
    "train",
    "train_more",
    "user_trace",
    "weight_names",
]
