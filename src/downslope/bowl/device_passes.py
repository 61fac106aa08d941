"""Passes on a GPU: rows as PyTorch tensors, the formulas those of the rows in memory.

Predictions and losses are float64, products with the rows in the rows' own type, sums over blocks
float64; so float64 rows answer as NumPy does, and float32 rows to about six digits. What comes back
per pass is one number per weight.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from downslope.bowl.class_passes import ClassPasses
from downslope.bowl.passes import DensePasses, Sketch
from downslope.bowl.regimes import lowest_point_far
from downslope.bowl.round import buckets_for
from downslope.bowl.rounding import Seen, corner_sums, rounded, seen_of
from downslope.bowl.smooth import Settings, Smooth, Solution
from downslope.bowl.solve import (
    far_columns,
    moved_back,
    refuse_perceptron,
    solve,
    told_in_user_units,
)
from downslope.errors import InputError, SettingError
from downslope.kernels.plain.scalar import working_weight
from downslope.kernels.views import read_only
from downslope.losses import Loss
from downslope.penalties import NO_PENALTY, Penalty
from downslope.sources.device import DeviceRows

Array = Any
BLOCK_ROWS = 262_144
"""Rows per product: enough to fill a GPU, few enough for sums in float32."""


@dataclass(frozen=True)
class DevicePasses:
    """Passes over dense rows on a device.

    Parameters
    ----------
    X : tensor of shape (n_rows, n_features), float32 or float64
    y, weights : tensors of shape (n_rows,), on the same device; weights float64 of mean 1
        Targets are float64, for several classes int64, from 0.
    loss : Loss
    fit_intercept : bool
    shift : array of shape (n_features,)
        Subtracted from the columns; see ``solve.far_columns``.
    n_outputs : int, default 1
        Number of classes of a multinomial loss.
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
        return 0.0 if self.loss.link != "log" else self._here(slice(None)).lowest_loss()

    def sample(self, k: int, seed: int) -> DensePasses | ClassPasses:
        """``k`` rows drawn without replacement, in memory."""
        if k >= self.n_rows:
            return self._here(slice(None))
        rows = np.sort(np.random.default_rng(seed).choice(self.n_rows, size=k, replace=False))
        return self._here(torch.as_tensor(rows, device=self.X.device))

    def rounded(self, width: float) -> "DevicePasses":
        """The same rows, the loss with its corners rounded off."""
        loss, y = rounded(self.loss, self.y, width)
        return replace(self, loss=loss, y=y)

    def seen(self, w: Array, width: float) -> Seen:
        """What the rows tell about corners of that width."""
        flat = self._flat(w)
        sums = sum(
            corner_sums(self.loss, self._raw(X, flat)[:, 0], y, weights, width)
            for _, X, y, weights in self._blocks(BLOCK_ROWS)
        )
        return seen_of(sums.cpu(), self.n_rows)

    def _here(self, rows: Any) -> DensePasses | ClassPasses:
        X = self._moved(self.X[rows])
        X, y, weights = (_in_memory(part) for part in (X, self.y[rows], self.weights[rows]))
        if self.n_outputs > 1:
            return ClassPasses(X, y, weights, self.n_outputs, self.fit_intercept)
        return DensePasses(X, y, weights, self.loss, self.fit_intercept)

    def _moved(self, X: Array) -> Array:
        if not self.shift.any():
            return X
        return X - torch.as_tensor(self.shift, dtype=X.dtype, device=X.device)

    def _blocks(self, step: int) -> Iterator[tuple[int, Array, Array, Array]]:
        for first in range(0, self.n_rows, step):
            rows = slice(first, min(first + step, self.n_rows))
            yield first, self._moved(self.X[rows]), self.y[rows], self.weights[rows]

    def _flat(self, w: Array) -> Array:
        """Weights as (n_features + 1, n_outputs) on the device, the intercepts last."""
        W = np.zeros((self.n_features + 1, self.n_outputs))
        W[: self.n_features + self.fit_intercept] = w.reshape(-1, self.n_outputs)
        return torch.as_tensor(W, device=self.X.device)

    def _raw(self, X: Array, W: Array) -> Array:
        return (X @ W[:-1].to(X.dtype)).double() + W[-1]

    def _sums(
        self, w: Array, size: int, shift: Array, floor: float, seed: int
    ) -> tuple[float, Array, Array]:
        (d, k), device = (self.n_features, self.n_outputs), self.X.device
        W, kept = self._flat(w), (self.n_features + self.fit_intercept) * self.n_outputs
        gradient, total = torch.zeros_like(W), torch.zeros((), dtype=torch.float64, device=device)
        table = torch.zeros((size, (d + 1) * k + 1), dtype=torch.float64, device=device)
        center = torch.as_tensor(shift, device=device)
        bends = self._class_bends if k > 1 else self._row_bends
        for first, X, y, weights in self._blocks(min(BLOCK_ROWS, size) if size else BLOCK_ROWS):
            z = self._raw(X, W)
            losses, slopes = _of_classes(z, y) if k > 1 else _of_rows(self.loss, z, y)
            total += (weights * losses).sum()
            slopes = weights[:, None] * slopes
            gradient[:d] += (X.T @ slopes.to(X.dtype)).double()
            gradient[d] += slopes.sum(0)
            if size:
                bend, wish = bends(z, y, weights, slopes, floor, first, seed)
                ones = torch.ones((len(X), 1), dtype=torch.float64, device=device)
                x = torch.hstack((X.double() - center, ones))
                places = (torch.arange(len(X), device=device) + first) % size
                # Rows of one block fall into buckets of their own: the sum has one order.
                row = (x[:, :, None] * bend[:, None, :]).reshape(len(X), -1)
                table[places] += torch.hstack((row, wish[:, None]))
        n = self.n_rows
        cells = table.cpu().numpy()
        cells = np.delete(cells, np.s_[kept : (d + 1) * k], axis=1)
        return float(total) / n, gradient.cpu().numpy().ravel()[:kept] / n, cells

    def _row_bends(
        self, z: Array, y: Array, weights: Array, slopes: Array, floor: float, first: int, seed: int
    ) -> tuple[Array, Array]:
        """Root of each row's curvature, with a sign of its own, and that times its wished step."""
        bend = weights * torch.clamp(working_weight(self.loss, z[:, 0], y).double(), min=floor)
        root = torch.sqrt(bend) * row_signs(len(z), seed, first, z.device)
        wish = torch.where(bend > 0, -slopes[:, 0] / bend, torch.zeros_like(bend))
        return root[:, None], root * wish

    def _class_bends(
        self, z: Array, y: Array, weights: Array, slopes: Array, floor: float, first: int, seed: int
    ) -> tuple[Array, Array]:
        """``e - p`` of a class drawn for every row; see ``kernels.classes``."""
        p = torch.softmax(z, 1)
        chances = torch.sqrt(p * (1.0 - p))
        chances = chances / chances.sum(1, keepdim=True).clamp(min=1e-300)
        lots = _mixed(len(z), seed + 1, first, z.device)
        lots = ((lots >> 11) & (2**53 - 1)).double() * 2.0**-53
        drawn = (chances.cumsum(1) < lots[:, None]).sum(1, keepdim=True).clamp(max=z.shape[1] - 1)
        chance, likely = chances.gather(1, drawn), p.gather(1, drawn)
        root = torch.where(chance > 0, torch.sqrt(weights[:, None] * likely / chance), 0.0 * chance)
        signs = row_signs(len(z), seed, first, z.device)[:, None]
        bend = -p
        bend.scatter_add_(1, drawn, torch.ones_like(chance))
        return signs * root * bend, torch.zeros_like(lots)


def _of_rows(loss: Loss, z: Array, y: Array) -> tuple[Array, Array]:
    return loss.value(z[:, 0], y), loss.slope(z[:, 0], y)[:, None]


def _of_classes(z: Array, y: Array) -> tuple[Array, Array]:
    """Cross-entropy of every row, and its slopes in the raw predictions."""
    logs = torch.log_softmax(z, 1)
    slopes = torch.exp(logs)
    slopes.scatter_add_(1, y[:, None], torch.full_like(slopes[:, :1], -1.0))
    return -logs.gather(1, y[:, None])[:, 0], slopes


def _in_memory(part: Array) -> Array:
    return read_only(np.ascontiguousarray(part.cpu().numpy()))


def row_signs(n: int, seed: int, first: int = 0, device: Any = "cpu") -> Array:
    """A sign for each of ``n`` rows from row ``first`` on.

    >>> row_signs(4, 0).tolist() == row_signs(9, 0)[:4].tolist()
    True
    >>> row_signs(5, 0, first=4).tolist() == row_signs(9, 0)[4:].tolist()
    True
    """
    return 1.0 - 2.0 * ((_mixed(n, seed, first, device) >> 63) & 1).double()


def _mixed(n: int, seed: int, first: int, device: Any) -> Array:
    """64 bits for each row, by the mixing function of SplitMix64 (Steele, Lea and Flood 2014)."""
    x = torch.arange(first, first + n, dtype=torch.int64, device=device)
    x = (x * _signed(0x9E3779B97F4A7C15)) ^ _signed(seed * 0xD1342543DE82EF95 + 1)
    # Shifts of signed numbers copy the sign; the mask takes the copies off.
    x = (x ^ ((x >> 30) & (2**34 - 1))) * _signed(0xBF58476D1CE4E5B9)
    x = (x ^ ((x >> 27) & (2**37 - 1))) * _signed(0x94D049BB133111EB)
    return x ^ ((x >> 31) & (2**33 - 1))


def _signed(bits: int) -> int:
    """The 64 bits as a signed number, as PyTorch wants them."""
    return (bits + 2**63) % 2**64 - 2**63


def solve_on(
    X: Array,
    y: Array,
    loss: Loss,
    penalty: Penalty = NO_PENALTY,
    *,
    device: str | None = None,
    weights: Array | None = None,
    deviations: Array | None = None,
    fit_intercept: bool = True,
    n_outputs: int = 1,
    settings: Settings | None = None,
) -> Solution:
    """``solve.solve`` of dense rows, with its passes on a device.

    Parameters
    ----------
    X, y, weights : arrays or tensors
        Tensors stay on the device they are on.
    device : str or None
        ``"cuda"``, ``"cpu"``, ...; by default where ``X`` is.
    deviations, fit_intercept, n_outputs, settings
        As in ``solve.solve``.

    Raises
    ------
    SettingError
        If there is no such device.
    PairError
        For the perceptron loss, and for more weights than a matrix of their products can have.

    Examples
    --------
    >>> from downslope.losses import SquaredError
    >>> X = torch.arange(2000.0, dtype=torch.float64).reshape(-1, 1)
    >>> solve_on(X, 3.0 * X[:, 0] + 1.0, SquaredError()).w.round(6)
    array([3., 1.])
    """
    settings, k = settings or Settings(), n_outputs
    refuse_perceptron(loss)
    X, y, weights = _tensors(X, y, weights, device)
    y = y.long() if k > 1 else y
    (n, d), m = X.shape, (X.shape[1] + fit_intercept) * k
    passes = DevicePasses(X, y, weights, loss, fit_intercept, np.zeros(d), k)
    if buckets_for(n, m, k) in (None, n):
        here = passes.sample(n, settings.seed)
        return solve(
            here.X, here.y, loss, penalty, weights=here.weights, deviations=deviations,
            fit_intercept=fit_intercept, n_outputs=k, settings=settings,
        )  # fmt: skip
    few = X[:: max(1, n // 256)].cpu().numpy()
    shift = far_columns(few) if fit_intercept else np.zeros(d)
    passes = replace(passes, shift=shift)
    scale = np.ones(d) if deviations is None else deviations
    penalised = np.append(np.repeat(scale, k), np.zeros(k * fit_intercept))
    kind = np.float32 if X.dtype == torch.float32 else np.float64
    problem = Smooth(passes, penalty.l2 * penalised**2, settings.log, kind=kind)
    moved = shift if shift.any() else None
    settings = told_in_user_units(settings, moved, k)
    solution = lowest_point_far(problem, passes, penalty.l1 * penalised, settings)
    return replace(solution, w=moved_back(solution.w, moved, k))


def solve_rows(rows: DeviceRows, loss: Loss, penalty: Penalty, **options: Any) -> Solution:
    """``solve_on`` for rows that are on their device."""
    return solve_on(rows.X, rows.y, loss, penalty, weights=rows.weights, **options)


def device_rows(X: Any, y: Any, weights: Any = None, device: str | None = None) -> DeviceRows:
    """Rows, targets and weights on one device, checked.

    Raises
    ------
    InputError
        If the shapes do not fit, or a cell is missing or infinite.
    SettingError
        If there is no such device.
    """
    X, y, ones = _tensors(X, y, weights, device)
    if X.ndim != 2 or y.ndim != 1 or not len(X):
        raise InputError(
            f"X has the shape {tuple(X.shape)} and y {tuple(y.shape)}; give rows times columns, "
            "and one target per row."
        )
    bad = int((~torch.isfinite(X)).sum() + (~torch.isfinite(y)).sum())
    if bad:
        raise InputError(
            f"{bad:,} cells of X or y are missing or infinite; fill or drop such rows first."
        )
    return DeviceRows(X, y, None if weights is None else ones)


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
