"""What the run of a linear model shows: the same findings at every door."""

import numpy as np

from downslope.diagnosis.diagnose import Diagnosis, diagnose
from downslope.training.trained import Trained


def findings_of(trained: Trained) -> Diagnosis:
    """Symptoms, measured numbers, what to try next.

    Curvature and gradient noise are measured on the rows at hand: all of them, or a sample where
    they are too many to be kept; a pickled model has none, and is diagnosed from its history.
    """
    scaling = trained.scaling
    return diagnose(
        trained.result,
        trained.problem,
        rule=trained.rule,
        rate=trained.rate,
        names=trained.settings.names,
        distances=np.where(scaling.constant, 0.0, np.abs(scaling.center) / scaling.scale),
    )
