"""pytest plugin: put our classes in scikit-learn's place before its own tests are imported.

python -m pytest -p sklearn_sgd_plugin --pyargs sklearn.linear_model.tests.test_sgd
"""


def pytest_configure() -> None:
    """Not at import: other runs import this file too, to look for doctests."""
    from sklearn import linear_model

    from downslope import drop_in

    linear_model.SGDClassifier = drop_in.SGDClassifier
    linear_model.SGDRegressor = drop_in.SGDRegressor
