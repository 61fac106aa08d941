"""scikit-learn's SGDClassifier and SGDRegressor: change one import, keep every number.

Names, defaults, criteria, schedules and the order of the rows are scikit-learn's, so a fit ends in
the same weights to rounding; it also keeps its history, and says so where it ended somewhere worse
than it began. Columns are used as they are. For a fit that needs no rate and no scaling see
``downslope.estimators``.

Sparse rows may have 64-bit indices here, which scikit-learn refuses.
"""

from downslope.drop_in.classifier import SGDClassifier
from downslope.drop_in.regressor import SGDRegressor

__all__ = ["SGDClassifier", "SGDRegressor"]
