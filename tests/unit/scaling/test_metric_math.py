import pytest
from hypothesis import given
from hypothesis import strategies as st

from glue.scaling.metric_math import ExpressionError, evaluate_expression

METRICS: dict[str, list[float | None]] = {
    "waiting": [0.0, 3.0, 3.0, None],
    "done": [None, 2.0, None, None],
    "zero": [0.0] * 4,
}


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("IF(waiting > 0 AND FILL(done, 0) == 0, 1, 0)", [0, 0, 1, None]),
        ("waiting + done", [None, 5, None, None]),
        ("100 * (done / waiting)", [None, pytest.approx(66.67, abs=0.01), None, None]),
        ("waiting / zero", [None] * 4),
        ("-waiting", [0, -3, -3, None]),
        ("waiting >= 3 || done == 2", [None, 1, None, None]),
        ("FILL(done, waiting)", [0, 2, 3, None]),
        ("IF(waiting, done)", [None, 2, None, None]),
        ("MAX(waiting, 1) + ABS(-2)", [3, 5, 5, None]),
        ("AVG(waiting, 1)", [0.5, 2, 2, None]),
    ],
)
def test_an_expression_has_a_value_wherever_its_operands_have(expression: str, values: list[float | None]) -> None:
    assert evaluate_expression(expression, METRICS, 4) == values


@pytest.mark.parametrize(
    "expression",
    [
        *("", "other", "waiting +", "2 ** 9", "True", "[waiting]", "waiting.real"),
        *("SEARCH(1)", "IF(1)", "FILL(1)", "ABS(1, 2)", "ABS()", "__import__(1)", "(lambda: 1)()"),
        pytest.param("-" * 9000 + "1", id="too deep to be read"),
        pytest.param("ABS(" * 500 + "1" + ")" * 500, id="too deep to be evaluated"),
    ],
)
def test_what_is_not_evaluated_is_refused(expression: str) -> None:
    with pytest.raises(ExpressionError):
        evaluate_expression(expression, METRICS, 4)


@given(st.text(max_size=40))
def test_any_text_has_values_or_is_refused(text: str) -> None:
    try:
        values = evaluate_expression(text, METRICS, 4)
    except ExpressionError:
        return
    assert len(values) == 4
