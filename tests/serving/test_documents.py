import json

from hypothesis import given
from hypothesis import strategies as st

from serving import documents

any_text = st.text(st.characters())


@given(
    st.dictionaries(st.text(), st.none() | any_text | st.integers() | st.floats(allow_nan=False, allow_infinity=False))
)
def test_any_document_is_one_line_of_json(document: dict[str, object]) -> None:
    encoded = documents.encode(document)
    assert b"\n" not in encoded
    assert json.loads(encoded) == document


def test_what_json_has_no_form_for_is_its_text() -> None:
    assert documents.encode({"a": documents}).startswith(b'{"a":"<module')


def test_half_of_a_surrogate_pair_is_kept() -> None:
    assert json.loads(documents.encode({"a": "\udc80"})) == {"a": "\udc80"}
