"""Nothing that deletion protection covers is let through, and nothing else is stopped."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glue.errors import FailedError
from glue.terraform.protection import PROTECTED, Destruction, destructions, require_allowed, unused

DESTROYING = (["delete"], ["delete", "create"], ["create", "delete"])
HARMLESS = (["no-op"], ["create"], ["read"], ["update"], ["forget"], ["create", "forget"])
OTHER_TYPES = ("aws_sns_topic", "aws_s3_bucket_policy", "aws_sagemaker_endpoint_configuration", "terraform_data")

keys = st.text(st.sampled_from("abz09-_.\"'[]{}$%\\ é\n"), min_size=1, max_size=8)
modules = st.one_of(st.just(""), keys.map(lambda key: f'module.endpoint["{key}"].'))


@st.composite
def changes(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from([*PROTECTED, *OTHER_TYPES]))
    change: dict[str, Any] = {
        "address": f"{draw(modules)}{kind}.this{draw(st.sampled_from(['', '[0]']))}",
        "mode": "managed",
        "type": kind,
        "change": {"actions": draw(st.sampled_from([*DESTROYING, *HARMLESS])), "before": {"name": "x"}},
    }
    if draw(st.booleans()):
        change["deposed"] = draw(st.text("0123456789abcdef", min_size=8, max_size=8))
    if draw(st.booleans()):
        change["previous_address"] = f"{kind}.that"
    return change


def plan(*found: dict[str, Any]) -> dict[str, Any]:
    return {"format_version": "1.2", "resource_changes": list(found)}


def change(kind: str, actions: list[str], **extra: Any) -> dict[str, Any]:
    return {"address": f"{kind}.this", "type": kind, "change": {"actions": actions}, **extra}


def identity(found: dict[str, Any]) -> str:
    deposed = found.get("deposed")
    return f"{found['address']} (deposed object {deposed})" if deposed else str(found["address"])


@given(st.lists(changes(), max_size=6), st.data())
def test_a_plan_goes_on_only_when_each_protected_object_it_destroys_is_allowed_by_its_address(
    found: list[dict[str, Any]], data: st.DataObject
) -> None:
    must = {identity(one) for one in found if one["type"] in PROTECTED and one["change"]["actions"] in DESTROYING}
    known = destructions(plan(*found))
    assert {one.address for one in known} == must
    allowed = set(data.draw(st.lists(st.sampled_from(sorted({identity(one) for one in found} | {"none"})))))
    if must <= allowed:
        require_allowed(known, allowed, where="prod")
        return
    with pytest.raises(FailedError) as refusal:
        require_allowed(known, allowed, where="prod")
    assert {one["address"] for one in refusal.value.details["stopped"]} == must - allowed
    assert all(address in refusal.value.message for address in must - allowed)


@given(st.sampled_from(sorted(PROTECTED)), keys, st.text(max_size=4))
def test_an_address_that_is_nearly_right_allows_nothing(kind: str, key: str, extra: str) -> None:
    address = f'module.endpoint["{key}"].{kind}.this'
    known = destructions(plan(change(kind, ["delete"], address=address)))
    near = {address.replace('"', ""), address.upper(), f" {address}", f"{address}[0]", f"{address}{extra}", "", "*"}
    with pytest.raises(FailedError):
        require_allowed(known, near - {address}, where="prod")


@pytest.mark.parametrize("actions", HARMLESS)
@pytest.mark.parametrize("kind", PROTECTED)
def test_what_stays_is_never_stopped(kind: str, actions: list[str]) -> None:
    moved = change(kind, actions, previous_address=f"{kind}.former")
    assert destructions(plan(change(kind, actions), moved)) == ()


def test_a_moved_resource_is_stopped_under_its_new_address_when_it_is_destroyed() -> None:
    moved = change("aws_kms_key", ["delete"], previous_address="aws_kms_key.former")
    assert [one.address for one in destructions(plan(moved))] == ["aws_kms_key.this"]


def test_allowing_an_object_does_not_allow_the_one_that_a_replacement_left_behind() -> None:
    current = change("aws_sagemaker_endpoint", ["delete"], address='module.endpoint["a"].aws_sagemaker_endpoint.this')
    known = destructions(plan(current, {**current, "deposed": "0123abcd"}))
    with pytest.raises(FailedError, match=r"\(deposed object 0123abcd\)"):
        require_allowed(known, [current["address"]], where="prod")


def test_an_action_that_nobody_knows_is_not_trusted() -> None:
    [found] = destructions(plan(change("aws_s3_bucket", ["evaporate"])))
    assert (found.action, found.kind) == ("delete", "bucket")


def test_the_reason_is_told() -> None:
    bucket = change("aws_s3_bucket", ["delete", "create"], action_reason="replace_because_cannot_update")
    bucket["change"]["replace_paths"] = [["bucket"], ["rule", 0, "name"]]
    key = change("aws_kms_key", ["delete"], action_reason="delete_because_no_resource_config")
    assert [str(one) for one in destructions(plan(bucket, key))] == [
        "replace bucket aws_s3_bucket.this  (not changed in place: bucket, rule[0].name)",
        "destroy key aws_kms_key.this  (delete because no resource config)",
    ]


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"format_version": "2.0", "resource_changes": []},
        {"format_version": "1.2", "resource_changes": [{"address": "aws_s3_bucket.this"}]},
        {"format_version": "1.2", "resource_changes": {"aws_s3_bucket.this": {}}},
    ],
)
def test_a_document_that_is_not_understood_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(FailedError, match="Terraform's plan"):
        destructions(document)


def test_an_address_that_lets_nothing_go_is_named() -> None:
    known = [Destruction(address="aws_kms_key.this", kind="key", action="delete")]
    assert unused(known, ["aws_kms_key.this", "aws_kms_key.that"]) == ["aws_kms_key.that"]
