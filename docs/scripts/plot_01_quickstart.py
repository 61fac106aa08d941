"""
Quickstart
==========

Train a model on raw columns, without choosing a learning rate and without scaling anything, and be
told how it went.
"""

# %%
# The diabetes table ships inside scikit-learn: 442 people, ten measurements, and how far their
# illness had moved on a year later. ``scaled=False`` gives the columns as they were measured.
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split

from downslope.estimators import DescentRegressor

table = load_diabetes(as_frame=True, scaled=False)
X_train, X_test, y_train, y_test = train_test_split(
    table.data, table.target, test_size=0.25, random_state=42
)
model = DescentRegressor().fit(X_train, y_train)
print(model.reason_)

# %%
# Every fit ends in a reason. This one also carries a bound: how far above the lowest possible loss
# it may still be. Least squares has an exact answer to compare with.
from sklearn.linear_model import LinearRegression

exact = LinearRegression().fit(X_train, y_train)
print(f"R2 on rows kept aside: {model.score(X_test, y_test):.6f}")
print(f"closed form:           {exact.score(X_test, y_test):.6f}")

# %%
# scikit-learn's own stochastic descent on the same raw columns, for comparison. It gives no
# warning.
from sklearn.linear_model import SGDRegressor

stochastic = SGDRegressor(random_state=0).fit(X_train, y_train)
print(f"SGDRegressor():        {stochastic.score(X_test, y_test):.3g}")

# %%
# What the model leans on. The coefficients are in the units of the table; the bars say how much one
# standard deviation of a column adds.
from downslope.pictures.fits import coefficients

figure = coefficients(
    list(table.data.columns), model.coef_, deviations=X_train.std(axis=0), y_name="progress"
)
figure

# %%
# From a file, on the command line, the same is::
#
#     downslope fit table.csv --target price --report report.html --out model
#     downslope predict model new_rows.csv
