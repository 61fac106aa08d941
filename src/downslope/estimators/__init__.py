"""Linear models for scikit-learn's world, trained by gradient descent that says what it did.

With all defaults there is no learning rate to choose and no column to scale: the fit reaches the
lowest loss, or says why not. Every step can be asked for instead: ``rule="plain",
learning_rate=0.1, scaling="standardize", batch_size=None`` walks as a textbook does.
"""

from downslope.estimators.classifier import DescentClassifier
from downslope.estimators.regressor import DescentRegressor

__all__ = ["DescentClassifier", "DescentRegressor"]
