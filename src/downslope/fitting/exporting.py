"""A trained model for other programs: an ONNX graph, or its weights as plain JSON.

Both hold the whole way from the columns of a table to the prediction: gaps filled, levels coded,
weights, link. What they leave out is the reading of text as numbers: a number comes as a number
("$1,000" as 1000, "12%" as 0.12, yes and no as 1 and 0), a date as days since 1970-01-01, a
category as text without blanks around it, and a missing cell as NaN or as an empty text.
"""

import json
from typing import Any

import numpy as np

from downslope.errors import InputError, MissingExtraError
from downslope.fitting.model import Model
from downslope.losses import make_loss
from downslope.tables.features import CategoryCode, Code, NumberCode, TextCode
from downslope.targets import PROBABILISTIC

Array = Any
FORMAT = "downslope weights"
OPSET, ML_OPSET, IR = 17, 3, 8
"""Versions that every runtime of the last years reads."""


def to_json(model: Model) -> str:
    """Weights and codes as plain JSON; ``docs/howto/move_a_model.md`` says how to predict by it.

    Parameters
    ----------
    model : Model
        From a fit, or read from a file.

    Returns
    -------
    str
        One JSON object.
    """
    content = {
        "format": FORMAT,
        "version": 1,
        "task": model.task,
        "target": model.target,
        "classes": list(model.classes),
        "loss": model.loss,
        "link": _link(model),
        "columns": [_column(code) for code in model.encoder.codes],
        "features": list(model.names),
        "coefficients": np.asarray(model.coefficients, dtype=float).tolist(),
        "intercepts": np.asarray(model.intercepts, dtype=float).tolist(),
    }
    return json.dumps(content, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def _link(model: Model) -> str:
    """What turns raw predictions into what is predicted."""
    if model.task == "regression":
        return "exp" if make_loss(model.loss, model.parameter).link == "log" else "identity"
    if model.loss == "modified_huber":
        return "clip"
    if model.loss in PROBABILISTIC:
        return "sigmoid" if len(model.classes) == 2 else "softmax"
    return "sign" if len(model.classes) == 2 else "argmax"


def _column(code: Code) -> dict[str, Any]:
    """What becomes of one column, and the features that it makes, in their order."""
    made: dict[str, Any] = {"name": code.name, "kind": _kind(code), "features": code.names()}
    match code:
        case NumberCode():
            made |= {"missing_as": code.median, "flag": code.flag, "hours": code.hours}
        case CategoryCode():
            made |= {"usual": code.usual, "levels": list(code.levels), "rare": list(code.rare)}
            made |= {"flag": code.flag}
        case TextCode():
            made |= {"vocabulary": list(code.vocabulary)}
    return made


def _kind(code: Code) -> str:
    match code:
        case NumberCode():
            return code.spelling.kind
        case CategoryCode():
            return "category"
    return "text"


def to_onnx(model: Model) -> bytes:
    """The model as an ONNX graph in double precision, one input per column of the table.

    Outputs are ``prediction``, shape (n,), numbers or names of classes, and ``probabilities``,
    shape (n, classes), where the loss has any.

    Parameters
    ----------
    model : Model
        From a fit, or read from a file.

    Returns
    -------
    bytes
        What an ``.onnx`` file holds.

    Raises
    ------
    MissingExtraError
        If ``onnx`` is not installed.
    InputError
        If a column is free text, which is split into words that ONNX has no operator for.
    """
    try:
        import onnx
    except ImportError:
        raise MissingExtraError(
            "ONNX files are written by the package onnx, which is not installed; run "
            "`pip install 'downslope[onnx]'`, or use --to json."
        ) from None
    text = next((c.name for c in model.encoder.codes if isinstance(c, TextCode)), None)
    if text is not None:
        raise InputError(
            f"Column {text!r} is free text, which ONNX has no operator to split into words; "
            "use --to json, or fit again with --drop of that column."
        )
    graph = _Graph(onnx)
    _write_outputs(graph, model, _write_raw(graph, model, _write_features(graph, model)))
    written = onnx.helper.make_graph(
        graph.nodes, "downslope", graph.inputs, graph.outputs, graph.constants
    )
    versions = [
        onnx.helper.make_opsetid("", OPSET),
        onnx.helper.make_opsetid("ai.onnx.ml", ML_OPSET),
    ]
    made = onnx.helper.make_model(written, opset_imports=versions, producer_name="downslope")
    made.ir_version = IR
    made.doc_string = f"Predicts {model.target!r}; {model.loss}; {' '.join(__doc__.split())}"
    onnx.checker.check_model(made, full_check=True)
    return bytes(made.SerializeToString())


class _Graph:
    """Nodes, constants, inputs and outputs while they are being collected."""

    def __init__(self, onnx: Any) -> None:
        self.onnx = onnx
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.inputs: list[Any] = []
        self.outputs: list[Any] = []

    def constant(self, values: Any, dtype: Any = np.float64) -> str:
        """A new constant; its name."""
        name = f"c{len(self.constants)}"
        array = np.asarray(values, dtype=dtype)
        self.constants.append(self.onnx.numpy_helper.from_array(array, name))
        return name

    def node(self, kind: str, *inputs: str, to: str = "", domain: str = "", **settings: Any) -> str:
        """A new node; the name of its output."""
        name = to or f"n{len(self.nodes)}"
        made = self.onnx.helper.make_node(kind, list(inputs), [name], domain=domain, **settings)
        self.nodes.append(made)
        return name

    def cast(self, name: str, kind: str) -> str:
        """Numbers as another type."""
        made, to = f"n{len(self.nodes)}", getattr(self.onnx.TensorProto, kind)
        self.nodes.append(self.onnx.helper.make_node("Cast", [name], [made], to=to))
        return made

    def input(self, name: str, kind: str, width: int, doc: str) -> str:
        """A new input of shape (n, width)."""
        element = getattr(self.onnx.TensorProto, kind)
        made = self.onnx.helper.make_tensor_value_info(name, element, ["n", width], doc)
        self.inputs.append(made)
        return name

    def output(self, name: str, kind: str, *shape: Any) -> None:
        """An output that a node has made."""
        element = getattr(self.onnx.TensorProto, kind)
        self.outputs.append(self.onnx.helper.make_tensor_value_info(name, element, shape))


def _write_features(graph: _Graph, model: Model) -> str:
    codes = model.encoder.codes
    if not codes:
        return graph.input("features", "DOUBLE", len(model.names), "in the order of the model")
    blocks: list[str] = []
    for code in codes:
        match code:
            case NumberCode():
                blocks += _number(graph, code)
            case CategoryCode():
                blocks += _category(graph, code)
    return graph.node("Concat", *blocks, axis=1)


def _number(graph: _Graph, code: NumberCode) -> list[str]:
    own = graph.input(code.name, "DOUBLE", 1, f"{code.spelling.kind}; NaN where missing")
    missing = graph.node("IsNaN", own)
    filled = graph.node("Where", missing, graph.constant(code.median), own)
    parts = [filled]
    if code.hours:
        whole = graph.node("Floor", filled)
        share = graph.node("Sub", filled, whole)
        parts.append(graph.node("Mul", share, graph.constant(24.0)))
    return parts + ([graph.cast(missing, "DOUBLE")] if code.flag else [])


def _category(graph: _Graph, code: CategoryCode) -> list[str]:
    width = len(code.names())
    if not width:
        graph.input(code.name, "STRING", 1, "not used: it had one level in training")
        return []
    own = graph.input(code.name, "STRING", 1, "text; empty where missing")
    shared = len(code.levels) if code.rare else -1
    places = {level: i for i, level in enumerate(code.levels)} | {code.usual: -1}
    places |= {"": width - 1 if code.flag else shared}
    place = graph.node(
        "LabelEncoder",
        own,
        domain="ai.onnx.ml",
        keys_strings=list(places),
        values_int64s=list(places.values()),
        default_int64=shared,
    )
    one_each = graph.constant(np.arange(width)[None, :], np.int64)
    return [graph.cast(graph.node("Equal", place, one_each), "DOUBLE")]


def _write_raw(graph: _Graph, model: Model, features: str) -> str:
    weights = graph.constant(np.asarray(model.coefficients).T)
    inner = graph.node("MatMul", features, weights)
    return graph.node("Add", inner, graph.constant(model.intercepts))


def _write_outputs(graph: _Graph, model: Model, z: str) -> None:
    link, first = _link(model), graph.constant([1], np.int64)
    if model.task == "regression":
        mean = graph.node("Exp", z) if link == "exp" else z
        graph.node("Squeeze", mean, first, to="prediction")
        graph.output("prediction", "DOUBLE", "n")
        return
    if len(model.classes) == 2:
        second = graph.cast(graph.node("Greater", z, graph.constant(0.0)), "INT64")
        code = graph.node("Squeeze", second, first)
    else:
        code = graph.node("ArgMax", z, axis=1, keepdims=0)
    graph.node(
        "LabelEncoder",
        code,
        to="prediction",
        domain="ai.onnx.ml",
        keys_int64s=list(range(len(model.classes))),
        values_strings=list(model.classes),
    )
    graph.output("prediction", "STRING", "n")
    if model.loss in PROBABILISTIC:
        _write_probabilities(graph, model, z, link)


def _write_probabilities(graph: _Graph, model: Model, z: str, link: str) -> None:
    """``targets.probabilities``, operator by operator."""
    one = graph.constant(1.0)
    if link == "softmax":
        graph.node("Softmax", z, to="probabilities", axis=1)
    else:
        p = graph.node("Sigmoid", z)
        if link == "clip":
            low, high = graph.constant(-1.0), graph.constant(1.0)
            clipped = graph.node("Clip", z, low, high)
            p = graph.node("Div", graph.node("Add", clipped, one), graph.constant(2.0))
        if len(model.classes) == 2:
            graph.node("Concat", graph.node("Sub", one, p), p, to="probabilities", axis=1)
        else:
            axis = graph.constant([1], np.int64)
            none = graph.node("Equal", graph.node("ReduceSum", p, axis), graph.constant(0.0))
            alike = graph.node("Where", none, one, p)
            graph.node("Div", alike, graph.node("ReduceSum", alike, axis), to="probabilities")
    graph.output("probabilities", "DOUBLE", "n", len(model.classes))
