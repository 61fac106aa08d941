"""
Two classes: logistic regression and support vectors
====================================================

To tell two classes apart, the model puts out one number: above zero means one class, below zero the
other. Only the cost changes. The walk stays the same.
"""

# %%
# Thirty measurements of 569 breast tumours, and whether they were malign.
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

table = load_breast_cancer(as_frame=True)
malign = (table.target == 0).to_numpy()
X_train, X_test, y_train, y_test = train_test_split(
    table.data, malign, test_size=0.25, random_state=0, stratify=malign
)

# %%
# **Two costs of one row.** Call ``m`` the margin: the model's number, with its sign turned so that
# positive is right. *Log loss*, ``log(1 + exp(-m))``, never quite reaches zero. *Hinge* loss,
# ``max(0, 1 - m)``, is content once the margin is 1.
import numpy as np

from downslope.losses import Hinge, LogLoss

margins = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
right = np.ones(5)
print("margin  ", margins)
print("log loss", LogLoss().value(margins, right).round(3))
print("hinge   ", Hinge().value(margins, right) + 0.0)

# %%
# **Logistic regression** is log loss. Its number is the logarithm of the odds, so it can be turned
# into a probability.
from downslope.estimators import DescentClassifier

logistic = DescentClassifier(alpha=1e-3).fit(X_train, y_train)
print(logistic.reason_.sentence)
print(f"right on rows kept aside: {100 * logistic.score(X_test, y_test):.1f}%")

# %%
from downslope.pictures.fits import class_probabilities

probability = logistic.predict_proba(X_test)[:, 1]
figure = class_probabilities(probability, y_test, classes=("benign", "malign"))
figure

# %%
# **A support vector machine** is hinge loss with a penalty on large weights; here the hinge is
# squared, which rounds its corner. Rows with a margin above 1 have no slope and do not move the
# weights. The others hold the border up: they are the support vectors.
svm = DescentClassifier(loss="squared_hinge", alpha=1e-2).fit(X_train, y_train)
margin = np.where(y_train, 1.0, -1.0) * svm.decision_function(X_train)
print(svm.reason_.sentence)
print(f"right on rows kept aside: {100 * svm.score(X_test, y_test):.1f}%")
print(f"rows with a margin up to 1: {(margin < 1 + 1e-6).sum()} of {len(margin)}")

# %%
# What the two models lean on, the strongest columns first; diamonds are the support vector
# machine.
from downslope.pictures.fits import coefficients

figure = coefficients(
    list(table.data.columns),
    logistic.coef_[0],
    deviations=X_train.std(axis=0),
    reference=svm.coef_[0],
    most=10,
    y_name="the raw prediction",
)
figure

# %%
# **The penalty matters.** Where a plane can separate the classes, larger weights are always a
# little better for log loss, and without a penalty they would grow for ever.
for alpha in (1e-4, 1e-2, 1.0):
    model = DescentClassifier(alpha=alpha).fit(X_train, y_train)
    length = np.linalg.norm(model.coef_[0] * X_train.std(axis=0))
    print(f"alpha {alpha:6g}: length of the weights {length:7.3f}")
