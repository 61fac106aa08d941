"""What both network estimators share: settings, the run, and what is known after it.

Between scikit-learn's conventions on one side (checked input, attributes with a trailing
underscore, callbacks, warnings) and ``training`` on the other.
"""

import warnings
from abc import abstractmethod
from dataclasses import replace
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.callback import CallbackSupportMixin
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from downslope.diagnosis.diagnose import Diagnosis, diagnose
from downslope.errors import PairError
from downslope.estimating import ROWS, Aside, NotConverged, handed_in, on_screen, set_aside, teller
from downslope.far import far_rows
from downslope.networks.activations import ACTIVATIONS, make_activation
from downslope.networks.choices import PLANNED
from downslope.networks.training import (
    NetworkSettings,
    TrainedNetwork,
    train_network,
    train_network_more,
)
from downslope.penalties import make_penalty
from downslope.settings import check_names, choose_loss
from downslope.sources.memory import MemoryRows
from downslope.sources.weights import row_weights
from downslope.targets import Coded

Array = Any
CONSTRAINTS: dict[str, Any] = {
    "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
    "activation": [StrOptions(set(ACTIVATIONS))],
    "start": [StrOptions({"auto", "he", "glorot"})],
    "penalty": [StrOptions({"l2", "l1", "elasticnet", "none"}), None],
    "alpha": [Interval(Real, 0, None, closed="left")],
    "l1_ratio": [Interval(Real, 0, 1, closed="both")],
    "dropout": [Interval(Real, 0, 1, closed="left")],
    "max_iter": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
    "tol": [Interval(Real, 0, None, closed="left"), StrOptions({"auto"}), None],
    "shuffle": ["boolean", StrOptions({"block"})],
    "verbose": ["verbose"],
    "random_state": ["random_state"],
    "eta0": [Interval(Real, 0, None, closed="neither"), StrOptions({"auto"})],
    "power_t": [Interval(Real, 0, None, closed="left")],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
    "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
    "warm_start": ["boolean"],
}


class NetworkDescent(CallbackSupportMixin, BaseEstimator):  # type: ignore[misc]
    """What both networks share: settings, the run, and what is known after it."""

    _trained: TrainedNetwork

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
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        context = self._init_callback_context(max_subtasks=None)
        told = {"estimator": self, "X": X, "y": y, "metadata": metadata}
        context.call_on_fit_task_begin(**told)
        if validation is None and self.early_stopping:
            X, y, weights, validation = self._hold_out(X, y, weights, seed)
        rows, n_outputs = self._rows(X, y, weights)
        trained = train_network(
            rows,
            self._settings(n_outputs, seed),
            before=vars(self).get("_trained") if self.warm_start else None,
            validation=None if validation is None else self._rows(*validation)[0],
            each_epoch=teller(context, told, self.verbose, lambda sight: {}),
        )
        self._keep(trained, in_parts=False)
        context.call_on_fit_task_end(**told, reconstruction_attributes={})

    def _fit_far(self, X: Any, y: Any, sample_weight: Any, X_val: Any, y_val: Any) -> None:
        """Fit to Dask rows: they stay where they are, weights and gradients travel."""
        check_names(self.rule, self.scaling)
        if self.early_stopping:
            raise PairError(
                "early_stopping=True would set rows aside that lie on a cluster; hand in X_val and "
                "y_val in memory instead, which end the run in the same way."
            )
        rows, n_outputs = far_rows(self, X, y, sample_weight)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        aside = self._validation(X_val, y_val)
        trained = train_network(
            rows,
            self._settings(n_outputs, seed),
            before=vars(self).get("_trained") if self.warm_start else None,
            validation=None if aside is None else self._rows(*aside)[0],
            each_epoch=on_screen if self.verbose else None,
        )
        self._keep(trained, in_parts=False)

    def _partial_fit(self, X: Array, y: Array, weights: Array | None) -> None:
        check_names(self.rule, self.scaling)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        rows, n_outputs = self._rows(X, y, weights)
        before, settings = vars(self).get("_trained"), self._settings(n_outputs, seed)
        self._keep(train_network_more(rows, settings, before), in_parts=True)

    def _hold_out(
        self, X: Array, y: Array, weights: Array | None, seed: int
    ) -> tuple[Array, Array, Array | None, Aside]:
        """Set a share of the rows aside."""
        by_class = "classes_" in vars(self) and y.ndim == 1
        share = self.validation_fraction
        return set_aside(X, y, weights, share=share, seed=seed, by_class=by_class)

    def _validation(self, X: Array, y: Array) -> Aside | None:
        """Validation rows that the user handed in, checked."""
        return handed_in(self, X, y, multi_output=True)

    def _rows(self, X: Array, y: Array, weights: Array | None) -> tuple[MemoryRows, int]:
        """Coded rows that count, and the number of raw predictions each of them has."""
        weights, kept = row_weights(weights)
        X, coded = X[kept], self._code(y[kept])
        target = coded.y.astype(X.dtype) if coded.y.dtype.kind == "f" else coded.y
        weights = None if weights is None else weights.astype(X.dtype)
        order = {True: "random", False: "given", "block": "block"}[self.shuffle]
        return MemoryRows(X, target, weights, order), coded.n_outputs

    def _settings(self, n_outputs: int, seed: int) -> NetworkSettings:
        return NetworkSettings(
            loss=choose_loss(
                self.loss, self.epsilon, vars(self).get("quantile", 0.5), self._n_classes()
            ),
            n_outputs=n_outputs,
            hidden=tuple(int(units) for units in np.atleast_1d(self.hidden_layer_sizes)),
            activation=make_activation(self.activation),
            start=self.start,
            penalty=make_penalty(self.penalty, self.alpha, self.l1_ratio),
            alpha=self.alpha,
            dropout=self.dropout,
            rule="adam" if self.rule == "auto" else self.rule,
            learning_rate=self.learning_rate,
            eta0=self.eta0,
            power_t=self.power_t,
            batch_size=self.batch_size,
            scaling=self.scaling,
            max_iter=self.max_iter,
            tol=self.tol,
            patience=self.n_iter_no_change,
            seed=seed,
        )

    def _n_classes(self) -> int:
        """Classes that exclude each other; 2 where there are none such."""
        return 2

    def _keep(self, trained: TrainedNetwork, in_parts: bool) -> None:
        self._trained = trained.with_few_rows()
        self.result_, self.history_ = trained.result, trained.history
        self.reason_, state = trained.result.reason, trained.state
        self.coefs_, self.intercepts_ = trained.layers_in_users_units()
        self.n_layers_, self.n_outputs_ = len(self.coefs_) + 1, trained.network.n_outputs
        self.n_iter_, self.t_ = max(1, state.epoch), float(state.k + 1)
        self.learning_rate_, self.learning_rate_reason_ = trained.rate, trained.why
        as_planned = in_parts or self.tol is None or trained.rate.name in PLANNED
        capped = self.reason_.name == "max_epochs" and as_planned
        if not (self.reason_.converged or capped or self.reason_.name == "interrupted"):
            warnings.warn(self.reason_.sentence, NotConverged, stacklevel=5)

    @property
    def diagnosis_(self) -> Diagnosis:
        """Findings about the run: symptoms, measured numbers, what to try next.

        Curvature and gradient noise are measured on a sample of the rows, with every unit at work;
        a pickled model has none left, and is diagnosed from its history.
        """
        check_is_fitted(self)
        trained = self._trained
        network = replace(trained.network, dropout=0.0)
        at_hand = network if network.source.n_rows else None
        return diagnose(trained.result, at_hand, rule=trained.rule, rate=trained.rate)

    def __getstate__(self) -> dict[str, Any]:
        """Everything but the rows that were learned from."""
        state: dict[str, Any] = super().__getstate__()
        if "_trained" in state:
            state = state | {"_trained": state["_trained"].without_rows()}
        return state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _raw(self, X: Array) -> Array:
        """Raw predictions, shape (n_samples,), or (n_samples, n_outputs) for several."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, **ROWS)
        return self._trained.raw_prediction(X)
