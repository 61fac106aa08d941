"""Passes on a GPU: rows as PyTorch tensors, the formulas those of the rows in memory.

Predictions and losses are float64, products with the rows in the rows' own type, sums over blocks
float64; so float64 rows answer as NumPy does, and float32 rows to about six digits. What comes back
per pass is one number per weight.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from downslope.bowl.passes import DensePasses, Sketch, read_only
from downslope.bowl.round import buckets_for, round_bowl
from downslope.bowl.smooth import Settings, Smooth, Solution
from downslope.bowl.solve import far_columns, moved_back, solve, told_in_user_units
from downslope.errors import InputError, PairError, SettingError
from downslope.losses import Loss
from downslope.penalties import NO_PENALTY, Penalty

Array = Any
BLOCK_ROWS = 262_144
"""Rows per product: enough to fill a GPU, few enough for sums in float32."""


@dataclass(frozen=True)
class DevicePasses:
    """Passes over dense rows on a device, for one output.

    Parameters
    ----------
    X : tensor of shape (n_rows, n_features), float32 or float64
    y, weights : float64 tensors of shape (n_rows,), on the same device; weights of mean 1
    loss : Loss
    fit_intercept : bool
    shift : float64 tensor of shape (n_features,)
        Subtracted from the columns; see ``solve.far_columns``.
    """

    X: Array
    y: Array
    weights: Array
    loss: Loss
    fit_intercept: bool
    shift: Array
    n_outputs: int = 1

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return int(self.X.shape[0])

    @property
    def n_features(self) -> int:
        """Number of columns."""
        return int(self.X.shape[1])

    @property
    def lowest_weight(self) -> float:
        """Smallest weight of a row that counts."""
        return float(self.weights[self.weights > 0].min())

    def at(self, w: Array) -> tuple[float, Array]:
        """Mean loss and gradient."""
        value, gradient, _ = self._sums(w, 0, np.zeros(self.n_features), 0.0, 0)
        return value, gradient

    def sketch(
        self, w: Array, buckets: int | None, shift: Array, floor: float, seed: int
    ) -> Sketch:
        """Mean loss, gradient and a CountSketch of the curvature."""
        size = self.n_rows if buckets is None else buckets
        value, gradient, table = self._sums(w, size, shift, floor, seed)
        return Sketch(value, gradient, table, shift)

    def lowest_loss(self) -> float:
        """Mean loss if every row had the prediction that suits it best."""
        return self._here(slice(None)).lowest_loss()

    def sample(self, k: int, seed: int) -> DensePasses:
        """``k`` rows drawn without replacement, in memory."""
        if k >= self.n_rows:
            return self._here(slice(None))
        rows = np.sort(np.random.default_rng(seed).choice(self.n_rows, size=k, replace=False))
        return self._here(torch.as_tensor(rows, device=self.X.device))

    def _here(self, rows: Any) -> DensePasses:
        X = self.X[rows] - self.shift.to(self.X.dtype)
        X, y, weights = (_in_memory(part) for part in (X, self.y[rows], self.weights[rows]))
        return DensePasses(X, y, weights, self.loss, self.fit_intercept)

    def _sums(
        self, w: Array, size: int, shift: Array, floor: float, seed: int
    ) -> tuple[float, Array, Array]:
        d, device = self.n_features, self.X.device
        flat = torch.as_tensor(np.append(w, 0.0)[: d + 1], device=device)
        gradient, total = torch.zeros(d + 1, dtype=torch.float64, device=device), 0.0
        table = torch.zeros((size, d + 2), dtype=torch.float64, device=device)
        center = torch.as_tensor(shift, device=device)
        step = min(BLOCK_ROWS, size) if size else BLOCK_ROWS
        signs = row_signs(self.n_rows, seed) if size else None
        for first in range(0, self.n_rows, step):
            rows = slice(first, min(first + step, self.n_rows))
            X = self.X[rows] - self.shift.to(self.X.dtype)
            z = (X @ flat[:d].to(X.dtype)).double() + flat[d]
            y, weights = self.y[rows], self.weights[rows]
            total = total + (weights * self.loss.value(z, y)).sum()
            slopes = weights * self.loss.slope(z, y)
            gradient[:d] += (X.T @ slopes.to(X.dtype)).double()
            gradient[d] += slopes.sum()
            if signs is not None:
                bend = weights * torch.clamp(self.loss.curvature(z, y), min=floor)
                root = torch.sqrt(bend) * torch.as_tensor(signs[rows], device=device)
                wish = torch.where(bend > 0, -slopes / bend, torch.zeros_like(bend))
                row = torch.column_stack((X.double() - center, torch.ones_like(z), wish))
                places = (torch.arange(len(z), device=device) + first) % size
                # Rows of one block fall into buckets of their own: the sum has one order.
                table[places] += root[:, None] * row
        n = self.n_rows
        value, slope, cells = float(total) / n, gradient.cpu().numpy() / n, table.cpu().numpy()
        if self.fit_intercept:
            return value, slope, cells
        return value, slope[:d], np.delete(cells, d, axis=1)


def _in_memory(part: Array) -> Array:
    return read_only(np.ascontiguousarray(part.cpu().numpy()))


def row_signs(n: int, seed: int) -> Array:
    """A sign for each of ``n`` rows.

    >>> row_signs(4, 0).tolist() == row_signs(9, 0)[:4].tolist()
    True
    """
    x = np.arange(n, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    x = x ^ np.uint64((seed * 0xD1342543DE82EF95 + 1) % 2**64)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return 1.0 - 2.0 * (x >> np.uint64(63)).astype(np.float64)


def solve_on(
    X: Array,
    y: Array,
    loss: Loss,
    penalty: Penalty = NO_PENALTY,
    *,
    device: str | None = None,
    weights: Array | None = None,
    fit_intercept: bool = True,
    settings: Settings | None = None,
) -> Solution:
    """``solve.solve`` for smooth losses of one output, with its passes on a device.

    Parameters
    ----------
    X, y, weights : arrays or tensors
        Tensors stay on the device they are on.
    device : str or None
        ``"cuda"``, ``"cpu"``, ...; by default where ``X`` is.

    Raises
    ------
    SettingError
        If there is no such device.
    PairError
        For losses without curvature, several classes, and L1 penalties.

    Examples
    --------
    >>> from downslope.losses import SquaredError
    >>> X = torch.arange(2000.0, dtype=torch.float64).reshape(-1, 1)
    >>> solve_on(X, 3.0 * X[:, 0] + 1.0, SquaredError()).w.round(6)
    array([3., 1.])
    """
    settings = settings or Settings()
    smooth = loss.max_curvature is not None or loss.link == "log"
    if penalty.l1 or not smooth or loss.link == "softmax":
        raise PairError(
            f"loss={loss.name!r} with l1={penalty.l1:g} is not solved on a device; give a smooth "
            "loss of one output with an L2 penalty, or solve in memory."
        )
    X, y, weights = _tensors(X, y, weights, device)
    (n, d), m = X.shape, X.shape[1] + fit_intercept
    few = X[:: max(1, n // 256)].cpu().numpy()
    shift = far_columns(few) if fit_intercept else np.zeros(d)
    zeros = torch.zeros(d, dtype=torch.float64, device=X.device)
    passes = DevicePasses(X, y, weights, loss, fit_intercept, zeros)
    if buckets_for(n, m) in (None, n):
        here = passes.sample(n, settings.seed)
        return solve(
            here.X, here.y, loss, penalty, weights=here.weights, fit_intercept=fit_intercept,
            settings=settings,
        )  # fmt: skip
    passes = replace(passes, shift=torch.as_tensor(shift, device=X.device))
    ridge = np.append(np.full(d, penalty.l2), np.zeros(int(fit_intercept)))
    problem = Smooth(passes, ridge, settings.log)
    moved = shift if shift.any() else None
    solution = round_bowl(problem, told_in_user_units(settings, moved))
    return replace(solution, w=moved_back(solution.w, moved))


def _tensors(X: Any, y: Any, weights: Any, device: str | None) -> tuple[Any, Any, Any]:
    """Rows, targets and weights on one device."""
    try:
        X = torch.as_tensor(X, device=device)
    except (RuntimeError, AssertionError) as error:
        raise SettingError(
            f"device={device!r} cannot be used here: {str(error).splitlines()[0]} Choose one of "
            f"{', '.join(_devices())}."
        ) from None
    X = X if X.dtype in (torch.float32, torch.float64) else X.double()
    y = torch.as_tensor(y, device=X.device).double()
    if len(y) != len(X):
        raise InputError(f"X has {len(X)} rows but y has {len(y)}; give one per row.")
    if weights is None:
        return X, y, torch.ones_like(y)
    return X, y, torch.as_tensor(weights, device=X.device).double()


def _devices() -> list[str]:
    return ["cpu", *["cuda"] * torch.cuda.is_available()]
