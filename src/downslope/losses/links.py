"""From raw predictions to means: probabilities, counts, and the values themselves."""

from downslope.losses.loss import Array, Loss, library_of


def sigmoid(z: Array) -> Array:
    """``1 / (1 + exp(-z))``, without overflow for any ``z``.

    Parameters
    ----------
    z : array
        Raw predictions, of any shape.

    Returns
    -------
    array of the shape of ``z``
        Between 0 and 1.

    Examples
    --------
    >>> import numpy as np
    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    xp = library_of(z)
    e = xp.exp(-abs(z))
    return xp.where(z >= 0, 1.0 / (1.0 + e), e / (1.0 + e))


def softmax(z: Array) -> Array:
    """Class probabilities ``exp(z_k) / sum_j exp(z_j)`` over the last axis.

    Parameters
    ----------
    z : array of shape (..., n_classes)
        Raw predictions; the largest of each row is taken off first, so that none overflows.

    Returns
    -------
    array of the shape of ``z``
        Sums to 1 over the last axis.

    Examples
    --------
    >>> import numpy as np
    >>> softmax(np.array([[1000.0, 1000.0], [0.0, -1000.0]]))
    array([[0.5, 0.5],
           [1. , 0. ]])
    """
    xp = library_of(z)
    e = xp.exp(z - xp.amax(z, -1)[..., None])
    return e / e.sum(-1)[..., None]


def curvature_product(loss: Loss, z: Array, y: Array, v: Array) -> Array:
    """Second derivative in ``z`` times ``v`` (for multinomial, (diag p - p p') v row by row)."""
    if loss.link == "softmax":
        p = softmax(z)
        return p * (v - (p * v).sum(-1)[..., None])
    return loss.curvature(z, y) * v


def predict_mean(loss: Loss, z: Array) -> Array:
    """Raw predictions as means: identity, exp, probability of +1, or class probabilities.

    Parameters
    ----------
    loss : Loss
        Its link decides.
    z : array of shape (n,) or (n, n_classes)
        Raw predictions.

    Returns
    -------
    array of the shape of ``z``
        In the units of the target, or probabilities.

    Examples
    --------
    >>> import numpy as np
    >>> from downslope.losses import make_loss
    >>> predict_mean(make_loss("log_loss"), np.array([0.0]))
    array([0.5])
    >>> predict_mean(make_loss("poisson"), np.array([0.0]))
    array([1.])
    """
    match loss.link:
        case "log":
            return library_of(z).exp(z)
        case "logit":
            return sigmoid(z)
        case "softmax":
            return softmax(z)
        case _:
            return z
