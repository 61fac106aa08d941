"""scikit-learn's own test files on our weights: those fail that are listed, and no others.

The whole takes minutes, so it runs where ``DOWNSLOPE_SKLEARN`` is set: ``make test-sklearn``.
"""

import os

import pytest
from sklearn_files import FILES, QUICK, outcomes, surprises

WHOLE = "DOWNSLOPE_SKLEARN" in os.environ


@pytest.mark.parametrize("model", FILES)
def test_scikit_learns_own_tests_pass(model):
    found = outcomes(model, None if WHOLE else QUICK[model])
    assert len(found) >= 5
    assert list(surprises(found)) == []
