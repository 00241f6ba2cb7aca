"""Metric math: expressions over the datapoints of several metrics, as alarms watch them.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html. Of it, evaluated are numbers,
metrics by their id, arithmetic, comparisons, AND, OR, IF, FILL with a value, ABS, CEIL, FLOOR, and MIN, MAX, SUM and
AVG of several metrics. A period in which an operand is missing has no value.
"""

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial

Series = Sequence[float | None]

_WORDS = re.compile(r"\b(AND|OR)\b|&&|\|\|")
_PYTHON = {"AND": "and", "&&": "and", "OR": "or", "||": "or"}


class ExpressionError(ValueError):
    """An expression that is none, or uses what is not evaluated here."""


def evaluate_expression(expression: str, metrics: Mapping[str, Series], count: int) -> list[float | None]:
    """The value of an expression in each of `count` periods; `metrics` are as long, by their id.

    Raises:
        ExpressionError: it cannot be evaluated.
    """
    try:
        tree = ast.parse(_WORDS.sub(lambda match: f" {_PYTHON[match[0]]} ", expression).strip(), mode="eval")
        return list(_value(tree.body, metrics, count))
    except ExpressionError:
        raise
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ExpressionError(f"{expression} is no expression") from error


def _value(node: ast.expr, metrics: Mapping[str, Series], count: int) -> Series:
    if isinstance(node, ast.Constant) and type(node.value) in {int, float}:
        return [float(node.value)] * count  # type: ignore[arg-type]
    if isinstance(node, ast.Name) and node.id in metrics:
        return metrics[node.id]
    combine, operands = _parts(node)
    try:
        return combine(*(_value(operand, metrics, count) for operand in operands))
    except TypeError as error:  # a function with too many or too few operands
        raise ExpressionError(f"{ast.unparse(node)} is not evaluated") from error


def _parts(node: ast.expr) -> tuple[Callable[..., Series], Sequence[ast.expr]]:
    """How a node combines its operands, and these."""
    match node:
        case ast.UnaryOp(op=sign, operand=operand) if type(sign) in _OPERATORS:
            return partial(_each, _OPERATORS[type(sign)]), [operand]
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _OPERATORS:
            return partial(_each, _OPERATORS[type(sign)]), [left, right]
        case ast.Compare(left=left, ops=[sign], comparators=[right]) if type(sign) in _OPERATORS:
            return partial(_each, _OPERATORS[type(sign)]), [left, right]
        case ast.BoolOp(op=sign, values=values):
            return partial(_each, _OPERATORS[type(sign)]), values
        case ast.Call(func=ast.Name(id=name), args=operands, keywords=[]) if operands and name in _FUNCTIONS:
            return _FUNCTIONS[name], operands
    raise ExpressionError(f"{ast.unparse(node)} is not evaluated")


def _each(function: Callable[..., float], *operands: Series) -> list[float | None]:
    """The function of each period's operands; missing where one of them is, or where there is none (division by 0)."""
    found: list[float | None] = []
    for values in zip(*operands, strict=True):
        try:
            found.append(None if None in values else float(function(*values)))
        except (ArithmeticError, ValueError):
            found.append(None)
    return found


def _filled(series: Series, value: Series) -> list[float | None]:
    return [other if one is None else one for one, other in zip(series, value, strict=True)]


def _chosen(condition: Series, then: Series, otherwise: Series | None = None) -> list[float | None]:
    """A branch that is not taken may be missing. Without a second one, there is no value where the condition is 0."""
    rest: Series = otherwise if otherwise is not None else [None] * len(condition)
    branches = zip(condition, then, rest, strict=True)
    return [None if test is None else (one if test else other) for test, one, other in branches]


_OPERATORS: dict[type[ast.AST], Callable[..., float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.USub: operator.neg,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.And: lambda *values: all(values),
    ast.Or: lambda *values: any(values),
}
_FUNCTIONS: dict[str, Callable[..., Series]] = {
    "IF": _chosen,
    "FILL": _filled,
    "ABS": partial(_each, abs),
    "CEIL": partial(_each, math.ceil),
    "FLOOR": partial(_each, math.floor),
    "MIN": partial(_each, lambda *values: min(values)),
    "MAX": partial(_each, lambda *values: max(values)),
    "SUM": partial(_each, lambda *values: math.fsum(values)),
    "AVG": partial(_each, lambda *values: math.fsum(values) / len(values)),
}
