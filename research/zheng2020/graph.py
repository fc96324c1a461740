"""Zheng's forests as one ONNX graph: skl2onnx's trees, and what joins them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from live_lce.classifiers._card import INPUT, MEMBERS, OOD_SCORE, PROBABILITIES, RANKED
from live_lce.training._distance import Distance
from research.zheng2020.joint import Joint
from research.zheng2020.two_step import TwoStep

OPSET, ML_OPSET = 18, 3
_NOTHING = 1e-7
"""Share of a forest's votes that is only rounding."""
_NODES = ("treeids", "nodeids", "featureids", "modes", "values", "truenodeids", "falsenodeids")


class Trees:
    """The trees of many forests as the attributes of one TreeEnsembleRegressor.

    A regressor adds up what the leaves say; skl2onnx has already divided by the number of trees.
    Leaves say nothing about classes that they hold no sample of, which keeps files small.
    """

    def __init__(self) -> None:
        self.attributes: dict[str, list[Any]] = {f"nodes_{name}": [] for name in _NODES}
        for name in ("treeids", "nodeids", "ids", "weights"):
            self.attributes[f"target_{name}"] = []
        self.n_targets = 0
        self._n_trees = 0

    def add(self, forest: Any, n_points: int) -> int:
        """Add a fitted forest; return the target of its first class."""
        node = _converted(forest, n_points)
        first, trees = self.n_targets, self._n_trees
        for name in _NODES:
            values = node[f"nodes_{name}"]
            if name == "treeids":
                values = [trees + one for one in values]
            self.attributes[f"nodes_{name}"] += list(values)
        each = (node[f"class_{name}"] for name in ("treeids", "nodeids", "ids", "weights"))
        votes = list(zip(*each, strict=True))
        if len(forest.classes_) == 2:  # skl2onnx writes the second class's share only, as class 0
            whole = 1.0 / len(forest.estimators_)
            votes = [
                vote
                for tree, leaf, _, weight in votes
                for vote in ((tree, leaf, 0, whole - weight), (tree, leaf, 1, weight))
            ]
        for tree, leaf, target, weight in votes:
            if weight > _NOTHING:
                self.attributes["target_treeids"].append(trees + tree)
                self.attributes["target_nodeids"].append(leaf)
                self.attributes["target_ids"].append(first + target)
                self.attributes["target_weights"].append(weight)
        self.n_targets += len(forest.classes_)
        self._n_trees += len(forest.estimators_)
        return first


def _converted(forest: Any, n_points: int) -> dict[str, Any]:
    """Return the attributes of skl2onnx's TreeEnsembleClassifier.

    scikit-learn compares float32 features with float64 thresholds; skl2onnx rounds thresholds
    down to float32, so that both sides of every comparison stay what they were.
    """
    import onnx
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType

    model = to_onnx(
        forest,
        initial_types=[(INPUT, FloatTensorType([None, n_points]))],
        options={id(forest): {"zipmap": False}},
        target_opset={"": OPSET, "ai.onnx.ml": ML_OPSET},
    )
    node = next(n for n in model.graph.node if n.op_type == "TreeEnsembleClassifier")
    return {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}


class _Graph:
    """Nodes and constants under names made up as they come."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, values: Any) -> str:
        import onnx

        name = f"c{len(self.constants)}"
        self.constants.append(onnx.numpy_helper.from_array(np.asarray(values), name))
        return name

    def add(self, op: str, *inputs: str, to: str = "", **attributes: Any) -> str:
        import onnx

        name = to or f"t{len(self.nodes)}"
        self.nodes.append(onnx.helper.make_node(op, list(inputs), [name], **attributes))
        return name

    def mean(self, values: str, axis: int, keep: bool = False, to: str = "") -> str:
        return self.add("ReduceMean", values, self._axis(axis), keepdims=int(keep), to=to)

    def maximum(self, values: str, axis: int) -> str:
        return self.add("ReduceMax", values, self._axis(axis), keepdims=1)

    def _axis(self, axis: int) -> str:
        return self.constant(np.array([axis], np.int64))

    def floats(self, values: Any) -> str:
        return self.constant(np.asarray(values, dtype=np.float32))


def forest_graph(
    models: Sequence[TwoStep], joint: Joint, distances: Sequence[Distance], n_points: int
) -> Any:
    """Return the ONNX model of an ensemble.

    Parameters
    ----------
    models : sequence of TwoStep
        The members' forests.
    joint : Joint
        All joint labels, and which class each is of.
    distances : sequence of Distance
        From each class's training spectra.
    n_points : int
        Of the grid.

    Returns
    -------
    onnx.ModelProto
        From `norm` to `probabilities`, `ood_score`, `members` and `ranked`.
    """
    import onnx

    graph = _Graph()
    x = graph.add("Div", INPUT, graph.maximum(INPUT, 1))
    trees = Trees()
    first, second = zip(*(_columns(trees, one, joint, n_points) for one in models), strict=True)
    attributes: dict[str, Any] = {"n_targets": trees.n_targets, **trees.attributes}
    votes = graph.add(
        "TreeEnsembleRegressor",
        x,
        domain="ai.onnx.ml",
        aggregate_function="SUM",
        post_transform="NONE",
        **attributes,
    )
    # Behind the forests' columns one of ones (a single label is certain) and one of zeros (a label
    # that this member has not seen).
    for value in (1.0, 0.0):
        pads = graph.constant(np.array([0, 0, 0, 1], np.int64))
        votes = graph.add("Pad", votes, pads, graph.constant(np.float32(value)))
    columns = [_gathered(graph, votes, one, trees.n_targets) for one in (first, second)]
    each = graph.add("Mul", *columns)
    graph.mean(each, 1, to=RANKED)
    graph.add("MatMul", each, graph.floats(joint.to_class), to=MEMBERS)
    graph.mean(MEMBERS, 1, to=PROBABILITIES)
    _scores(graph, distances)
    made = onnx.helper.make_graph(
        graph.nodes,
        "zheng",
        [_value(INPUT, n_points)],
        [
            _value(PROBABILITIES, joint.to_class.shape[1]),
            _value(OOD_SCORE),
            _value(MEMBERS, len(models), joint.to_class.shape[1]),
            _value(RANKED, len(joint.labels)),
        ],
        graph.constants,
    )
    opsets = [("", OPSET), ("ai.onnx.ml", ML_OPSET)]
    return onnx.helper.make_model(
        made, opset_imports=[onnx.helper.make_opsetid(name, number) for name, number in opsets]
    )


ONE, ZERO = -2, -1
"""Columns that stand for certain and impossible."""


def _columns(
    trees: Trees, model: TwoStep, joint: Joint, n_points: int
) -> tuple[list[int], list[int]]:
    """Return the columns whose product is each joint label's probability."""
    places: dict[tuple[int, str], int] = {}
    for number, step in [(0, model.cn), *model.motif.items()]:
        if hasattr(step, "estimators_"):
            start = trees.add(step, n_points)
            places |= {(number, str(c)): start + i for i, c in enumerate(step.classes_)}
        else:
            places[number, str(step.classes_[0])] = ONE
    first = [places.get((0, cn), ZERO) for cn, _ in joint.labels]
    second = [
        places.get((top, motif), ZERO) if motif else ONE
        for top, (_, motif) in zip(joint.top, joint.labels, strict=True)
    ]
    return first, second


def _gathered(graph: _Graph, votes: str, columns: Sequence[list[int]], n_targets: int) -> str:
    wanted = np.array(columns, dtype=np.int64)
    wanted[wanted < 0] += n_targets + 2
    return graph.add("Gather", votes, graph.constant(wanted), axis=1)


def _scores(graph: _Graph, distances: Sequence[Distance]) -> None:
    """Add the distance from the nearest class: the same as `Distance.score`."""
    centred = graph.add("Sub", INPUT, graph.mean(INPUT, 1, keep=True))
    square = graph.mean(graph.add("Mul", centred, centred), 1, keep=True)
    deviation = graph.add("Sqrt", graph.add("Add", square, graph.floats(1e-12)))
    standard = graph.add("Div", centred, deviation)
    found = []
    for one in distances:
        apart = graph.add("Sub", standard, graph.floats(one.mean))
        along = graph.add("MatMul", apart, graph.floats(one.basis))
        back = graph.add("MatMul", along, graph.floats(one.basis.T))
        beside = graph.add("Sub", apart, back)
        white = graph.add("Mul", along, graph.floats(one.whiten))
        parts = [
            graph.add("Div", graph.mean(graph.add("Mul", p, p), 1, keep=True), graph.floats(limit))
            for p, limit in ((white, one.inside), (beside, one.outside))
        ]
        found.append(graph.add("Max", *parts))
    nearest = graph.add("Min", *found)
    last = graph.constant(np.array([1], np.int64))
    graph.add("Squeeze", graph.add("Sqrt", nearest), last, to=OOD_SCORE)


def _value(name: str, *shape: int) -> Any:
    import onnx

    return onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["batch", *shape])
