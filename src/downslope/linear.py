"""What both linear models share: settings, the run, and what is known after it.

Between scikit-learn's conventions on one side (checked input, attributes with a trailing
underscore, callbacks, warnings) and ``training.train`` on the other.
"""

import warnings
from abc import abstractmethod
from dataclasses import replace
from numbers import Integral, Real
from os import PathLike
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.callback import CallbackSupportMixin
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from downslope.diagnosis.diagnose import Diagnosis
from downslope.errors import PairError
from downslope.estimating import ROWS, Aside, NotConverged, handed_in, set_aside, teller
from downslope.far import checkpoint_of, seed_of
from downslope.penalties import make_penalty
from downslope.settings import check_names, choose_loss
from downslope.sources.device import is_tensor
from downslope.sources.memory import MemoryRows
from downslope.sources.weights import row_weights
from downslope.stopping import Sight
from downslope.targets import Coded
from downslope.training import Settings, Trained, train, train_more
from downslope.training.findings import findings_of

Array = Any
KEPT_CELLS = 2_000_000
"""A fitted model keeps at most so many numbers of its rows for its diagnosis; a pickle none."""
CONSTRAINTS: dict[str, Any] = {
    "penalty": [StrOptions({"l2", "l1", "elasticnet", "none"}), None],
    "alpha": [Interval(Real, 0, None, closed="left")],
    "l1_ratio": [Interval(Real, 0, 1, closed="both"), None],
    "fit_intercept": ["boolean"],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "max_seconds": [Interval(Real, 0, None, closed="neither"), None],
    "tol": [Interval(Real, 0, None, closed="left"), StrOptions({"auto"}), None],
    "shuffle": ["boolean", StrOptions({"block"})],
    "verbose": ["verbose"],
    "epsilon": [Interval(Real, 0, None, closed="left")],
    "random_state": ["random_state"],
    "eta0": [Interval(Real, 0, None, closed="neither")],
    "power_t": [Interval(Real, 0, None, closed="left")],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
    "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
    "warm_start": ["boolean"],
    "average": [Interval(Integral, 0, None, closed="neither"), "boolean"],
    "record": [StrOptions({"auto", "steps"})],
    "device": [str, None],
    "checkpoint": [str, PathLike, None],
    "every": [Interval(Real, 0, None, closed="left")],
    "resume": ["boolean"],
}


class LinearDescent(CallbackSupportMixin, BaseEstimator):  # type: ignore[misc]
    """What both linear models share: settings, the run, and what is known after it."""

    _trained: Trained

    @abstractmethod
    def _code(self, y: Array) -> Coded:
        """Targets as the loss sees them."""

    def _fit(
        self,
        X: Array,
        y: Array,
        weights: Array | None,
        validation: Aside | None,
        metadata: dict[str, Array] | None,
    ) -> None:
        check_names(self.rule, self.scaling)
        seed = seed_of(self)
        context = self._init_callback_context(max_subtasks=self.max_iter)
        told = {"estimator": self, "X": X, "y": y, "metadata": metadata}
        context.call_on_fit_task_begin(**told)
        if validation is None and self.early_stopping:
            X, y, weights, validation = self._hold_out(X, y, weights, seed)
        rows, n_outputs = self._rows(X, y, weights)
        held = None if validation is None else self._rows(*validation)[0]

        def attributes(sight: Sight) -> dict[str, Array]:
            return dict(zip(("coef_", "intercept_"), self._shaped(sight.w), strict=True))

        trained = train(
            rows,
            self._settings(n_outputs, seed),
            start=self._start(),
            validation=held,
            each_epoch=teller(context, told, self.verbose, attributes),
            checkpoint=checkpoint_of(self),
        )
        self._keep(trained, in_parts=False)
        context.call_on_fit_task_end(**told, reconstruction_attributes={})

    def _hold_out(
        self, X: Array, y: Array, weights: Array | None, seed: int
    ) -> tuple[Array, Array, Array | None, Aside]:
        """Set a share of the rows aside."""
        by_class = "classes_" in vars(self)
        share = self.validation_fraction
        return set_aside(X, y, weights, share=share, seed=seed, by_class=by_class)

    def _validation(self, X: Array, y: Array) -> Aside | None:
        """Validation rows that the user handed in, checked."""
        return handed_in(self, X, y)

    def _accepted(self) -> dict[str, Any]:
        """Rows that ``fit`` takes: none that are sparse on a device."""
        return ROWS if vars(self).get("device") is None else ROWS | {"accept_sparse": False}

    def _partial_fit(self, X: Array, y: Array, weights: Array | None) -> None:
        check_names(self.rule, self.scaling)
        if vars(self).get("device") is not None or vars(self).get("checkpoint") is not None:
            raise PairError(
                "partial_fit makes one pass here over the rows it is given; device and checkpoint "
                "are for fit."
            )
        seed = seed_of(self)
        rows, n_outputs = self._rows(X, y, weights)
        before = vars(self).get("_trained")
        self._keep(train_more(rows, self._settings(n_outputs, seed), before), in_parts=True)

    def _rows(self, X: Array, y: Array, weights: Array | None) -> tuple[MemoryRows, int]:
        """Coded rows that count, and the number of raw predictions each of them has."""
        weights, kept = row_weights(weights)
        coded = self._code(y[kept])
        order = {True: "random", False: "given", "block": "block"}[self.shuffle]
        return MemoryRows(X[kept], coded.y, weights, order), coded.n_outputs

    def _settings(self, n_outputs: int, seed: int) -> Settings:
        l1_ratio = 0.15 if self.l1_ratio is None else self.l1_ratio
        return Settings(
            loss=choose_loss(self.loss, self.epsilon, vars(self).get("quantile", 0.5), n_outputs),
            penalty=make_penalty(self.penalty, self.alpha, l1_ratio),
            n_outputs=n_outputs,
            fit_intercept=self.fit_intercept,
            rule=self.rule,
            learning_rate=self.learning_rate,
            batch_size=self.batch_size,
            scaling=self.scaling,
            eta0=self.eta0,
            power_t=self.power_t,
            alpha=self.alpha,
            max_iter=self.max_iter,
            max_seconds=vars(self).get("max_seconds"),
            tol=self.tol,
            patience=self.n_iter_no_change,
            average=int(self.average),
            record=self.record,
            seed=seed,
            names=tuple(map(str, vars(self).get("feature_names_in_", ()))),
        )

    def _start(self) -> Array | None:
        """Flat weights of the last fit, for a warm start."""
        if not self.warm_start or "coef_" not in vars(self):
            return None
        coef = np.atleast_2d(self.coef_).T
        parts = (coef, np.atleast_2d(self.intercept_)) if self.fit_intercept else (coef,)
        return np.concatenate(parts).ravel()

    def _shaped(self, w: Array) -> tuple[Array, Array]:
        """Flat weights as coefficients (outputs, features) and intercepts (outputs,)."""
        d = self.n_features_in_
        W = w.reshape(d + self.fit_intercept, -1)
        return W[:d].T.copy(), W[d].copy() if self.fit_intercept else np.zeros(W.shape[1])

    def _keep(self, trained: Trained, in_parts: bool) -> None:
        self._trained = remembered(trained)
        state, self.reason_ = trained.state, trained.result.reason
        self.result_, self.history_ = trained.result, trained.history
        self.coef_, self.intercept_ = self._shaped(trained.w)
        self.n_iter_, self.t_ = max(1, state.epoch), float(state.k + 1)
        self.learning_rate_, self.learning_rate_reason_ = trained.rate, trained.why
        capped = self.reason_.name == "max_epochs" and (in_parts or self.tol is None)
        if not (self.reason_.converged or capped or self.reason_.name == "interrupted"):
            warnings.warn(self.reason_.sentence, NotConverged, stacklevel=5)

    @property
    def diagnosis_(self) -> Diagnosis:
        """Findings about the run: symptoms, measured numbers, what to try next."""
        check_is_fitted(self)
        return findings_of(self._trained)

    def __getstate__(self) -> dict[str, Any]:
        """Everything but the rows that were learned from."""
        state: dict[str, Any] = super().__getstate__()
        if "_trained" in state:
            state = state | {"_trained": replace(state["_trained"], rows=None)}
        return state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _raw(self, X: Array) -> Array:
        """Raw predictions ``X @ coef + intercept``, one column per output."""
        check_is_fitted(self)
        X = X.cpu().numpy() if is_tensor(X) else X
        X = validate_data(self, X, accept_sparse="csr", reset=False)
        return X @ np.atleast_2d(self.coef_).T + self.intercept_


def remembered(trained: Trained) -> Trained:
    """The fit with rows for a later diagnosis: all of them, or a sample where they are many."""
    rows = trained.rows
    if rows is None or rows.n_rows * rows.n_features <= KEPT_CELLS:
        return trained
    few = rows.sample(max(1, KEPT_CELLS // rows.n_features), seed=0)
    return replace(trained, rows=MemoryRows(few.X, few.y, few.weights))
