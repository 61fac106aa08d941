"""pytest plugin: our adapters in scikit-learn's place before its own tests are imported.

    python -m pytest -p sklearn_linear_plugin --pyargs sklearn.linear_model.tests.test_huber

The last line says how many of the tests that passed fitted one of ours.
"""

import pytest

touched: dict[str, bool] = {}


def pytest_configure() -> None:
    """Not at import: other runs import this file too, to look for doctests."""
    import sklearn_adapters
    from sklearn import linear_model

    for adapter in sklearn_adapters.SWAPPED:
        setattr(linear_model, adapter.__name__, adapter)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    import sklearn_adapters

    before = sklearn_adapters.fits
    passed = False
    try:
        result = yield
        passed = True
    finally:
        if sklearn_adapters.fits > before:
            touched[item.nodeid] = passed
    return result


def pytest_terminal_summary(terminalreporter):
    terminalreporter.write_line(f"{sum(touched.values())} of {len(touched)} on our weights passed")
