"""Multilayer perceptrons: forward and backward passes on the same blocks of rows, the same walk.

A layer takes the numbers ``h`` of the one before, forms sums and bends them::

    forward     a = h @ W + b        h' = f(a)           ... the last layer's sums are z
    loss        D = dl/dz            one row per row of data, one column per output
    backward    dl/dW = h.T @ D      dl/db = sum of D over rows
                D'    = (D @ W.T) * f'(a)                ... the same one layer further down

That is backpropagation, the chain rule read from the end (Rumelhart, Hinton and Williams 1986).
The objective is the mean over rows (and over outputs, where a row has several targets) plus the
penalty, which leaves biases alone.

Weights are one flat vector: the matrices of all layers first, then all biases. Without hidden
layers that is the layout of a linear ``Objective``, and the same function.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple, Protocol

import numpy as np

from downslope.errors import SettingError
from downslope.kernels.team import CHUNK_ELEMENTS, chunks, share
from downslope.losses import Loss, curvature_product
from downslope.networks.activations import RELU, Activation
from downslope.networks.starts import STARTS
from downslope.penalties import NO_PENALTY, Penalty
from downslope.sources.memory import Rows

Array = Any
PART_WORK = 1 << 22
"""Products in one pass forward that are worth a part of their own."""
MOST_PARTS = 8
"""Each part has a gradient of its own, so there are not many."""


class Source(Protocol):
    """Rows, wherever they live."""

    @property
    def n_rows(self) -> int: ...

    @property
    def n_features(self) -> int: ...

    def total(self, fn: Any) -> Any: ...

    def batches(self, size: int | None, seed: int, epoch: int) -> Iterator[Rows]: ...


class Layer(NamedTuple):
    """One layer's part of the flat vector: ``W`` of shape (inputs, units), ``b`` of (units,)."""

    W: Array
    b: Array


class KeyedRows(NamedTuple):
    """A batch that also says from which seed its dropout is drawn."""

    X: Array
    y: Array
    weights: Array | None
    key: tuple[int, ...]


class Pass(NamedTuple):
    """What a forward pass leaves for the backward one, layer by layer."""

    inputs: list[Array]
    """What each layer was given; the first is X."""
    sums: list[Array]
    outputs: list[Array]
    """Bent sums of the hidden layers, before dropout."""
    masks: list[Array]
    """Dropout of the hidden layers: 0 or 1 / (1 - dropout) per unit and row; none where unused."""


@dataclass(frozen=True)
class Network:
    """Mean loss of a multilayer perceptron over a source of rows, plus a penalty.

    Parameters
    ----------
    source : Source
        Rows; their weights should have mean 1.
    loss : Loss
        Any loss, on the raw predictions of the last layer.
    hidden : tuple of int, default (100,)
        Units of each hidden layer; scikit-learn's default.
    activation : Activation, default ReLU
    n_outputs : int, default 1
        Raw predictions per row: classes of a multinomial model, or targets per row.
    penalty : Penalty, default none
    dropout : float, default 0
        Share of hidden units switched off at each step, drawn from the batch's seed, epoch and
        number, so that a run repeats exactly. The others are scaled up by 1 / (1 - dropout);
        values over all rows (validation, prediction) use every unit.

    Raises
    ------
    SettingError
        If a layer has no unit or ``dropout`` is outside [0, 1).

    References
    ----------
    Rumelhart, Hinton and Williams (1986), Learning representations by back-propagating errors;
    Srivastava et al. (2014), Dropout.

    Examples
    --------
    >>> from downslope.losses import MeanSquares
    >>> from downslope.sources.memory import MemoryRows
    >>> rows = MemoryRows(np.array([[0.0, 1.0], [1.0, 1.0]]), np.array([1.0, 0.0]))
    >>> network = Network(rows, MeanSquares(), hidden=(2,))
    >>> network.size  # 2 x 2 and 2 x 1 weights, 2 and 1 biases
    9
    >>> w = np.array([1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0])
    >>> network.raw_prediction(w, rows.X)
    array([1., 2.])
    >>> network.value_and_gradient(w)[0]
    2.0
    """

    source: Source
    loss: Loss
    hidden: tuple[int, ...] = (100,)
    activation: Activation = RELU
    n_outputs: int = 1
    penalty: Penalty = NO_PENALTY
    dropout: float = 0.0

    def __post_init__(self) -> None:
        if any(units < 1 for units in self.hidden):
            raise SettingError(f"hidden={self.hidden!r} has an empty layer; use 1 unit or more.")
        if not 0.0 <= self.dropout < 1.0:
            raise SettingError(f"dropout={self.dropout!r} must lie in [0, 1); 0 switches it off.")

    @cached_property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """Inputs and units of each layer."""
        return tuple(pairwise((self.source.n_features, *self.hidden, self.n_outputs)))

    @cached_property
    def n_coefficients(self) -> int:
        """Number of weights without the biases: the penalised ones."""
        return sum(inputs * units for inputs, units in self.shapes)

    @cached_property
    def size(self) -> int:
        """Number of weights, biases included."""
        return self.n_coefficients + sum(units for _, units in self.shapes)

    def layers(self, w: Array) -> list[Layer]:
        """The flat vector as matrices and biases: views, so writing to them writes to ``w``."""
        layers, start, bias = [], 0, self.n_coefficients
        for inputs, units in self.shapes:
            end = start + inputs * units
            layers.append(Layer(w[start:end].reshape(inputs, units), w[bias : bias + units]))
            start, bias = end, bias + units
        return layers

    def start(self, seed: int = 0, kind: str = "auto") -> Array:
        """First weights: random, so that units differ; biases are zero.

        Parameters
        ----------
        kind : {"auto", "he", "glorot"}, default "auto"
            He's or Glorot's spread; "auto" takes the one made for the activation.
        """
        kind = self.activation.start if kind == "auto" else kind
        if kind not in STARTS:
            raise SettingError(f"start={kind!r} is unknown; choose auto, {', '.join(STARTS)}.")
        w, random = np.zeros(self.size), np.random.default_rng(seed)
        for layer in self.layers(w):
            layer.W[...] = STARTS[kind](random, *layer.W.shape)
        return w

    def raw_prediction(self, w: Array, X: Array) -> Array:
        """Sums of the last layer: shape (n,), or (n, n_outputs) where there are several."""
        return self._head(self._forward(self._cast(w, X), X, []).sums[-1])

    def value_and_gradient(
        self, w: Array, rows: Rows | KeyedRows | None = None
    ) -> tuple[float, Array]:
        """Smooth part and its gradient, over all rows or over one batch."""
        if rows is None:
            value, gradient = self.source.total(lambda block: self._sums(w, block))
        else:
            value, gradient = self._sums(w, rows)
        count, d = self.count(rows), self.n_coefficients
        gradient /= count
        gradient[:d] += self.penalty.gradient(w[:d])
        return float(value / count + 0.5 * self.penalty.l2 * (w[:d] @ w[:d])), gradient

    def value(self, w: Array, rows: Rows | None = None) -> float:
        """Whole objective, over all rows or over one batch, with every unit at work."""
        if rows is None:
            total = self.source.total(lambda block: self._loss(w, block))
        else:
            total = self._loss(w, rows)
        return float(total / self.count(rows)) + self.penalty_value(w)

    def curvature_product(self, w: Array, v: Array, rows: Rows | KeyedRows | None = None) -> Array:
        """Hessian of the smooth part at ``w`` times ``v``, exact, at the cost of two gradients.

        References
        ----------
        Pearlmutter (1994), Fast exact multiplication by the Hessian.
        """
        if rows is None:
            product = self.source.total(lambda block: self._curvature_sums(w, v, block))
        else:
            product = self._curvature_sums(w, v, rows)
        d = self.n_coefficients
        product /= self.count(rows)
        product[:d] += self.penalty.l2 * v[:d]
        return product

    def penalty_value(self, w: Array) -> float:
        """Whole penalty at ``w``."""
        return self.penalty.value(w[: self.n_coefficients])

    @property
    def has_rest(self) -> bool:
        """Whether there is an L1 part, which ``moved`` sees to."""
        return self.penalty.has_rest

    def rest(self, w: Array) -> float:
        """Part without a gradient, ``l1 |w|_1``."""
        return self.penalty.rest(w[: self.n_coefficients])

    def moved(self, w: Array, direction: Array, length: float) -> Array:
        """Where a step ends: downhill, then the proximal step of the rest; not for biases."""
        return self.penalty.moved(w, direction, length, self.n_coefficients)

    def batches(self, size: int | None, seed: int, epoch: int) -> Iterator[Any]:
        """One epoch of batches: all rows at once are ``None``, so that they may live anywhere.

        With dropout every batch carries its key, and all rows at once have to fit in memory.
        """
        if self.dropout > 0.0:
            for i, rows in enumerate(self.source.batches(size, seed, epoch)):
                yield KeyedRows(rows.X, rows.y, rows.weights, (seed, epoch, i))
        elif size is None or size >= self.source.n_rows:
            yield None
        else:
            yield from self.source.batches(size, seed, epoch)

    def count(self, rows: Rows | KeyedRows | None) -> int:
        """Rows in a batch."""
        return self.source.n_rows if rows is None else len(rows.y)

    def _cast(self, w: Array, X: Array) -> list[Layer]:
        """Layers in the arithmetic of the rows: float32 rows are passed through in float32."""
        return self.layers(w.astype(X.dtype, copy=False) if X.dtype.kind == "f" else w)

    def _masks(self, rows: Rows | KeyedRows) -> list[Array]:
        if not isinstance(rows, KeyedRows):
            return []
        random, n = np.random.default_rng(rows.key), len(rows.y)
        kept = [random.random((n, units), np.float32) >= self.dropout for units in self.hidden]
        dtype = np.result_type(rows.X.dtype, np.float32)
        return [mask.astype(dtype) / (1.0 - self.dropout) for mask in kept]

    def _forward(self, layers: list[Layer], X: Array, masks: list[Array]) -> Pass:
        inputs, sums, outputs = [X], [X @ layers[0].W + layers[0].b], []
        for i, layer in enumerate(layers[1:]):
            outputs.append(self.activation.value(sums[-1]))
            inputs.append(outputs[-1] * masks[i] if masks else outputs[-1])
            sums.append(inputs[-1] @ layer.W + layer.b)
        return Pass(inputs, sums, outputs, masks)

    def _head(self, sums: Array) -> Array:
        """Sums of the last layer in the shape that losses take."""
        return sums[:, 0] if self.n_outputs == 1 else sums

    def _per_row(self, numbers: Array, rows: Rows | KeyedRows) -> Array:
        """Losses or slopes as shares of the row's mean over outputs, times the row's weight."""
        if self.n_outputs > 1 and self.loss.link != "softmax":
            numbers = numbers / self.n_outputs
        if rows.weights is None:
            return numbers
        return numbers * (rows.weights if numbers.ndim == 1 else rows.weights[:, None])

    def _loss(self, w: Array, rows: Rows | KeyedRows) -> Any:
        losses = self.loss.value(self.raw_prediction(w, rows.X), rows.y)
        return self._per_row(losses, rows).sum(dtype=np.float64)

    def _sums(self, w: Array, rows: Rows | KeyedRows) -> tuple[Any, Array]:
        """Summed loss of a block and its gradient: one pass forward, one backward.

        Much work is cut into parts, by its amount alone, that threads share; their sums are added
        in order, so that the numbers do not depend on the threads.
        """
        layers, masks, n = self._cast(w, rows.X), self._masks(rows), len(rows.y)
        worth = min(MOST_PARTS, -(-n * self.n_coefficients // PART_WORK))
        parts = chunks(n, worth * CHUNK_ELEMENTS)
        if len(parts) == 1:
            return self._part(layers, masks, rows)
        floating = np.geterr()  # a thread does not inherit it

        def work(part: tuple[int, int]) -> tuple[Any, Array]:
            some = slice(*part)
            weights = None if rows.weights is None else rows.weights[some]
            taken = rows._replace(X=rows.X[some], y=rows.y[some], weights=weights)
            with np.errstate(**floating):
                return self._part(layers, [mask[some] for mask in masks], taken)

        (loss, gradient), *others = share(work, parts)
        for more, another in others:
            loss += more
            gradient += another
        return loss, gradient

    def _part(
        self, layers: list[Layer], masks: list[Array], rows: Rows | KeyedRows
    ) -> tuple[Any, Array]:
        seen = self._forward(layers, rows.X, masks)
        z = self._head(seen.sums[-1])
        losses = self._per_row(self.loss.value(z, rows.y), rows)
        slopes = self._per_row(self.loss.slope(z, rows.y), rows)
        return losses.sum(dtype=np.float64), self._backward(layers, seen, slopes)

    def _backward(self, layers: list[Layer], seen: Pass, slopes: Array) -> Array:
        """Derivatives in the raw predictions as derivatives in every weight, last layer first."""
        gradient = np.empty(self.size)
        into = self.layers(gradient)
        delta = slopes.reshape(len(slopes), -1).astype(seen.sums[-1].dtype, copy=False)
        for i in reversed(range(len(layers))):
            into[i].W[...] = seen.inputs[i].T @ delta
            into[i].b[...] = delta.sum(axis=0)
            if i > 0:
                delta = delta @ layers[i].W.T
                delta *= self.activation.slope(seen.sums[i - 1], seen.outputs[i - 1])
                if seen.masks:
                    delta *= seen.masks[i - 1]
        return gradient

    def _curvature_sums(self, w: Array, v: Array, rows: Rows | KeyedRows) -> Array:
        """Both passes differentiated along ``v``: how the gradient of a block turns on the way."""
        layers, moves = self._cast(w, rows.X), self._cast(v, rows.X)
        seen = self._forward(layers, rows.X, self._masks(rows))
        rates = self._forward_rates(layers, moves, seen)
        z, turn = self._head(seen.sums[-1]), self._head(rates[-1])
        slopes = self._per_row(self.loss.slope(z, rows.y), rows)
        bends = self._per_row(curvature_product(self.loss, z, rows.y, turn), rows)
        return self._backward_rates(layers, moves, seen, rates, slopes, bends)

    def _forward_rates(self, layers: list[Layer], moves: list[Layer], seen: Pass) -> list[Array]:
        """Rate of change of every layer's sums as the weights move along ``moves``."""
        rates = [seen.inputs[0] @ moves[0].W + moves[0].b]
        for i in range(1, len(layers)):
            incoming = self._incoming_rate(seen, rates, i)
            rates.append(incoming @ layers[i].W + seen.inputs[i] @ moves[i].W + moves[i].b)
        return rates

    def _incoming_rate(self, seen: Pass, rates: list[Array], i: int) -> Array:
        """Rate of change of what layer ``i`` is given."""
        rate = self.activation.slope(seen.sums[i - 1], seen.outputs[i - 1]) * rates[i - 1]
        return rate * seen.masks[i - 1] if seen.masks else rate

    def _backward_rates(
        self,
        layers: list[Layer],
        moves: list[Layer],
        seen: Pass,
        rates: list[Array],
        slopes: Array,
        bends: Array,
    ) -> Array:
        product = np.empty(self.size)
        into, n, dtype = self.layers(product), len(slopes), seen.sums[-1].dtype
        delta = slopes.reshape(n, -1).astype(dtype, copy=False)
        turn = bends.reshape(n, -1).astype(dtype, copy=False)
        for i in reversed(range(len(layers))):
            into[i].W[...] = seen.inputs[i].T @ turn
            into[i].b[...] = turn.sum(axis=0)
            if i > 0:
                into[i].W[...] += self._incoming_rate(seen, rates, i).T @ delta
                delta, turn = delta @ layers[i].W.T, turn @ layers[i].W.T + delta @ moves[i].W.T
                a, h = seen.sums[i - 1], seen.outputs[i - 1]
                slope, bend = self.activation.slope(a, h), self.activation.curvature(a, h)
                if seen.masks:
                    delta, turn = delta * seen.masks[i - 1], turn * seen.masks[i - 1]
                delta, turn = delta * slope, turn * slope + delta * bend * rates[i - 1]
        return product


def layer_norms(network: Network, vector: Array) -> Array:
    """Euclidean length of each layer's part of a flat vector: weights, gradient or step."""
    layers = network.layers(np.asarray(vector))
    return np.array([math.hypot(np.linalg.norm(W), np.linalg.norm(b)) for W, b in layers])
