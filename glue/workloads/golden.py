"""Golden requests: what a workload must answer to what, a folder a case."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from glue.documents import Document, parse, read_document, refusal
from glue.errors import UsageError
from glue.validation import Location

CASE_FILE = "case.yaml"

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$", max_length=128)]
MediaType = Annotated[str, StringConstraints(pattern=r"^[\w!#$&^.+-]+/[\w!#$&^.+-]+(;[ -~]+)?$", max_length=1024)]
Limit = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Request(_Part):
    """What is sent: a file beside the case, its media type, and the one wanted back."""

    file: Name
    content_type: MediaType
    accept: MediaType | None = None


class Tolerance(_Part):
    """How far a number may be from the expected one: by `relative` times the expected or by `absolute`, whichever
    allows more. Nothing by default."""

    relative: Limit = 0.0
    absolute: Limit = 0.0


class Expectation(_Part):
    """The answer: for a success a JSON `body` within `tolerance`; for a failure the HTTP `status` that the model's
    container answers with and a regular expression found in the failure's text (`message`), either or both."""

    outcome: Literal["success", "failure"]
    body: Name | None = None
    tolerance: Tolerance | None = None
    status: Annotated[int, Field(ge=400, le=599)] | None = None
    message: str | None = None


class _Case(_Part):
    description: Annotated[str, StringConstraints(min_length=1)]
    request: Request
    expect: Expectation


class GoldenCase(_Part):
    """A golden request, its files found and its expected body read. `name` is its folder's."""

    name: str
    description: str
    request: Request
    expect: Expectation
    file: Path
    body: Any = None


def load_cases(folder: Path) -> list[GoldenCase]:
    """The cases of the workload whose golden requests lie in `folder`, sorted by name.

    Raises:
        UsageError: there are none, or one is wrong; the message names file, line, field and what is allowed.
    """
    files = sorted(folder.glob(f"*/{CASE_FILE}"))
    if not files:
        raise UsageError(
            f"{folder}: no golden requests: expected a folder a case, each with {CASE_FILE}",
            hints=["a deployment is verified by them: add at least one"],
        )
    return [_load(file) for file in files]


def _load(file: Path) -> GoldenCase:
    document = read_document(file)
    case = parse(document, _Case)
    problems = list(_violations(case, file.parent))
    if problems:
        raise refusal(document, problems)
    expected = case.expect.body
    return GoldenCase(
        name=file.parent.name,
        description=case.description,
        request=case.request,
        expect=case.expect,
        file=file.parent / case.request.file,
        body=_body(document, file.parent / expected) if expected else None,
    )


def _violations(case: _Case, folder: Path) -> Iterator[tuple[Location, str]]:
    expect = case.expect
    success = expect.outcome == "success"
    for name in ("status", "message") if success else ("body", "tolerance"):
        if getattr(expect, name) is not None:
            yield ("expect", name), f"given with `outcome: {expect.outcome}`: it belongs to the other outcome"
    if success and expect.body is None:
        yield ("expect", "body"), "missing: a success names the file of the expected JSON"
    if not success and expect.status is None and expect.message is None:
        yield ("expect", "outcome"), "failure without `status` or `message`: give at least one"
    if expect.message is not None:
        try:
            re.compile(expect.message)
        except re.error as error:
            yield ("expect", "message"), f"{expect.message!r}: not a regular expression: {error}"
    named: dict[Location, str | None] = {("request", "file"): case.request.file, ("expect", "body"): expect.body}
    for location, wanted in named.items():
        file = folder / (wanted or CASE_FILE)
        if not file.is_file() or not file.resolve().is_relative_to(folder.resolve()):
            yield location, f"{wanted!r}: no such file in {folder}"


def _body(document: Document, file: Path) -> Any:
    try:
        return parse_json(file.read_bytes())
    except ValueError as error:
        raise refusal(document, [(("expect", "body"), f"{file.name}: not JSON: {error}")]) from error


def parse_json(text: bytes) -> Any:
    """`text` as JSON, strictly: no NaN or Infinity, which JSON does not have.

    Raises:
        ValueError: it is none.
    """
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deep") from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON value")
