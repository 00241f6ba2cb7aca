import json

from hypothesis import given
from hypothesis import strategies as st

from serving import documents

any_text = st.text(st.characters() | st.characters(categories=["Cs"]))


def plain(text: str) -> str:
    return text.encode(errors="backslashreplace").decode()


def is_large(value: object) -> bool:
    """Whether it is a number of more than 64 bits, which is read as one with a point."""
    return isinstance(value, int) and not -(2**63) <= value < 2**64


@given(
    st.dictionaries(any_text, st.none() | any_text | st.integers() | st.floats(allow_nan=False, allow_infinity=False))
)
def test_any_document_is_one_line_of_json(document: dict[str, object]) -> None:
    encoded = documents.encode(document)
    assert b"\n" not in encoded
    expected = {plain(name): plain(value) if isinstance(value, str) else value for name, value in document.items()}
    assert json.loads(encoded) == expected
    decoded = documents.decode(encoded)
    assert decoded == {name: decoded[name] if is_large(value) else value for name, value in expected.items()}


def test_what_json_has_no_form_for_is_its_text() -> None:
    assert documents.encode({"a": documents}).startswith(b'{"a":"<module')


def test_half_of_a_surrogate_pair_is_its_number() -> None:
    assert documents.decode(documents.encode({"a": "\udc80"})) == {"a": "\\udc80"}
