import pytest

from glue.localcloud.compute.tracebacks import FirstTraceback

FIRST = """Traceback (most recent call last):
  File "a.py", line 1, in <module>
    load()
ValueError: no weights"""


def read(text: str) -> FirstTraceback:
    found = FirstTraceback()
    for line in text.splitlines():
        found.read(line)
    return found


@pytest.mark.parametrize(
    "around",
    ["{}", "starting\n{}\nending", "{}\n\nDuring handling of the above exception\n\n" + FIRST.replace("weights", "x")],
)
def test_the_first_traceback_is_found(around: str) -> None:
    found = read(around.format(FIRST))
    assert (found.error, found.lines) == ("ValueError: no weights", FIRST.splitlines())


@pytest.mark.parametrize("place", range(1, 4))
@pytest.mark.parametrize("other", ["program ['serve'] starts", '{"event": "loading"}', "12: loaded"])
def test_what_another_stream_said_meanwhile_is_no_part_of_it(place: int, other: str) -> None:
    lines = FIRST.splitlines()
    found = read("\n".join([*lines[:place], other, *lines[place:]]))
    assert (found.error, found.lines) == ("ValueError: no weights", lines)


@pytest.mark.parametrize("error", ["package.Lost: a: b", "package.make.<locals>.Lost: x", "KeyboardInterrupt"])
def test_an_error_is_known_by_the_name_of_its_class_wherever_that_is_defined(error: str) -> None:
    assert read(FIRST.replace("ValueError: no weights", error)).error == error


def test_output_without_one_has_none() -> None:
    found = read('{"traceback": "Traceback (most recent call last): ..."}\nexiting')
    assert (found.error, found.lines) == ("", [])


def test_an_endless_one_is_cut() -> None:
    found = read("Traceback (most recent call last):\n" + "  again\n" * 5000 + "RecursionError: " + "x" * 5000)
    assert len(found.lines) == 100
    assert found.error.startswith("RecursionError: ")
    assert len(found.error) == 300
