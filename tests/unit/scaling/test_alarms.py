from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glue.scaling.alarms import AlarmRule, MissingData, State, evaluate
from glue.scaling.metrics import Datapoint

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
OK, ALARM, UNKNOWN, SAME = State.OK, State.ALARM, State.INSUFFICIENT_DATA, None
VALUES = {"0": 0.0, "X": 10.0}
TREATMENTS = (MissingData.MISSING, MissingData.IGNORE, MissingData.BREACHING, MissingData.NOT_BREACHING)


def points(drawn: str) -> list[Datapoint | None]:
    """`0` is sound, `X` breaches, `-` is missing; the newest is on the right."""
    signs = drawn.replace(" ", "")
    return [
        Datapoint(NOON + timedelta(minutes=number - len(signs)), VALUES[sign]) if sign in VALUES else None
        for number, sign in enumerate(signs)
    ]


def rule(evaluated: int = 3, needed: int = 3, missing: MissingData = MissingData.MISSING) -> AlarmRule:
    return AlarmRule("GreaterThanThreshold", 5, 60, evaluated, needed, missing)


# The two tables of https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
@pytest.mark.parametrize(
    ("needed", "drawn", "states"),
    [
        (3, "0 - X - X", (OK, OK, OK, OK)),
        (3, "0 - - - -", (OK, OK, OK, OK)),
        (3, "- - - - -", (UNKNOWN, SAME, ALARM, OK)),
        (3, "0 X X - X", (ALARM, ALARM, ALARM, ALARM)),
        (3, "- - X - -", (ALARM, SAME, ALARM, OK)),
        (2, "0 - X - X", (ALARM, ALARM, ALARM, ALARM)),
        (2, "0 0 X 0 X", (ALARM, ALARM, ALARM, ALARM)),
        (2, "0 - X - -", (OK, OK, ALARM, OK)),
        (2, "- - - - 0", (OK, OK, ALARM, OK)),
        (2, "- - - X -", (ALARM, SAME, ALARM, OK)),
    ],
)
@pytest.mark.parametrize("former", list(State))
def test_missing_data_count_as_in_aws_tables(
    needed: int, drawn: str, states: tuple[State | None, ...], former: State
) -> None:
    for treatment, expected in zip(TREATMENTS, states, strict=True):
        found = evaluate(rule(3, needed, treatment), points(drawn), former)
        assert found.state == (expected or former), treatment


@pytest.mark.parametrize("drawn", ["- - - - X", "- - - X -"])
def test_a_first_breach_does_not_set_off_an_alarm_too_early(drawn: str) -> None:
    assert evaluate(rule(), points(drawn), State.OK).state is State.OK


def test_the_evaluation_range_of_three_periods_is_five() -> None:
    assert rule(3).evaluation_range == 5


@pytest.mark.parametrize(
    ("comparison", "value", "breaches"),
    [
        ("GreaterThanThreshold", 5, False),
        ("GreaterThanOrEqualToThreshold", 5, True),
        ("LessThanThreshold", 5, False),
        ("LessThanThreshold", 4.9, True),
        ("LessThanOrEqualToThreshold", 5, True),
    ],
)
def test_a_datapoint_is_compared_as_the_rule_says(comparison: str, value: float, breaches: bool) -> None:
    assert AlarmRule(comparison, 5, 60, 1, 1).breaches(Datapoint(NOON, value)) is breaches


def test_a_comparison_with_a_band_is_refused() -> None:
    with pytest.raises(ValueError, match="GreaterThanUpperThreshold: evaluated are GreaterThanThreshold"):
        AlarmRule("GreaterThanUpperThreshold", 5, 60, 1, 1)


@pytest.mark.parametrize(
    ("evaluated", "needed", "missing", "drawn", "reason"),
    [
        (
            1,
            1,
            MissingData.MISSING,
            "- - X",
            (
                "Threshold Crossed: 1 out of the last 1 datapoints [10.0 (01/01/26 11:59:00)] was greater than the "
                "threshold (5.0) (minimum 1 datapoint for OK -> ALARM transition)."
            ),
        ),
        (
            3,
            2,
            MissingData.MISSING,
            "0 0 X 0 0",
            (
                "Threshold Crossed: 2 out of the last 3 datapoints [0.0 (01/01/26 11:59:00), 0.0 (01/01/26 11:58:00)] "
                "were not greater than the threshold (5.0) (minimum 2 datapoints for ALARM -> OK transition)."
            ),
        ),
        (2, 2, MissingData.MISSING, "- - - -", "Insufficient Data: 2 datapoints were unknown."),
        (
            1,
            1,
            MissingData.NOT_BREACHING,
            "- - -",
            (
                "Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was treated as "
                "[NonBreaching]."
            ),
        ),
        (
            2,
            2,
            MissingData.BREACHING,
            "- - -",
            (
                "Threshold Crossed: no datapoints were received for 2 periods and 2 missing datapoints were treated as "
                "[Breaching]."
            ),
        ),
    ],
)
def test_the_reason_is_aws_sentence(evaluated: int, needed: int, missing: MissingData, drawn: str, reason: str) -> None:
    assert evaluate(rule(evaluated, needed, missing), points(drawn), State.OK).reason == reason


@st.composite
def cases(draw: st.DrawFn) -> tuple[int, int, str]:
    evaluated = draw(st.integers(1, 6))
    needed = draw(st.integers(1, evaluated))
    size = evaluated + 2
    return evaluated, needed, "".join(draw(st.lists(st.sampled_from("0X-"), min_size=size, max_size=size)))


@given(cases(), st.sampled_from(TREATMENTS), st.sampled_from(list(State)))
def test_one_more_breach_never_turns_an_alarm_off(
    case: tuple[int, int, str], missing: MissingData, former: State
) -> None:
    evaluated, needed, drawn = case
    how = rule(evaluated, needed, missing)
    before = evaluate(how, points(drawn), former).state
    for place, sign in enumerate(drawn):
        if sign == "0":
            worse = drawn[:place] + "X" + drawn[place + 1 :]
            if before is State.ALARM:
                assert evaluate(how, points(worse), former).state in {State.ALARM, former}


@given(cases(), st.sampled_from(list(State)))
def test_with_enough_datapoints_missing_ones_do_not_matter(case: tuple[int, int, str], former: State) -> None:
    evaluated, needed, drawn = case
    if sum(sign != "-" for sign in drawn) >= evaluated:
        found = {evaluate(rule(evaluated, needed, missing), points(drawn), former).state for missing in TREATMENTS}
        assert len(found) == 1
        assert found <= {State.OK, State.ALARM}


@given(cases(), st.sampled_from(list(State)))
def test_missing_data_as_breaches_alarm_whenever_missing_data_as_sound_do(
    case: tuple[int, int, str], former: State
) -> None:
    evaluated, needed, drawn = case
    strict = evaluate(rule(evaluated, needed, MissingData.NOT_BREACHING), points(drawn), former).state
    lenient = evaluate(rule(evaluated, needed, MissingData.BREACHING), points(drawn), former).state
    assert strict is not State.ALARM or lenient is State.ALARM
