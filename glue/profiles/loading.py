"""Reading profiles: YAML in, checked models out; each mistake named with file, line, field and what is allowed."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from glue.documents import Document, read_document
from glue.errors import UsageError
from glue.profiles.models import Profile
from glue.profiles.rules import violations
from glue.validation import Location, dotted, explain

DEFAULTS = "defaults.yaml"
ENDPOINT_DEFAULTS = "endpoint_defaults"


def environment_names(envs_dir: Path) -> list[str]:
    """The environments that have a profile, sorted."""
    return sorted(file.stem for file in envs_dir.glob("*.yaml") if file.name != DEFAULTS)


def load_profiles(envs_dir: Path) -> dict[str, Profile]:
    """All profiles by environment.

    Raises:
        UsageError: one of them is wrong.
    """
    return {name: load_profile(envs_dir, name) for name in environment_names(envs_dir)}


def load_profile(envs_dir: Path, environment: str, *, workloads: Collection[str] | None = None) -> Profile:
    """The profile of `environment`: `defaults.yaml` merged under `<environment>.yaml`.

    `endpoint_defaults` of the defaults is merged under each endpoint.

    Args:
        workloads: those of the checkout, where the profile's are to be among them.

    Raises:
        UsageError: no such environment, or a profile that breaks the schema or a rule; the message lists every mistake.
    """
    names = environment_names(envs_dir)
    if environment not in names:
        raise UsageError(f"{envs_dir}: no environment {environment!r}: allowed is one of {', '.join(names)}")
    own = read_document(envs_dir / f"{environment}.yaml")
    defaults = read_document(envs_dir / DEFAULTS)
    data = _merged(defaults, own)
    try:
        profile = Profile.model_validate(data)
    except ValidationError as error:
        raise _refusal(own, defaults, ((loc, text) for loc, text in explain(error, Profile))) from error
    problems = [(violation.path, violation.message) for violation in violations(profile)]
    if profile.environment != environment:
        problems.insert(0, (("environment",), f"{profile.environment!r}: allowed is {environment!r}, the file's name"))
    if workloads is not None:
        problems.extend(_unknown(profile, workloads))
    if problems:
        raise _refusal(own, defaults, problems)
    return profile


def _unknown(profile: Profile, workloads: Collection[str]) -> Iterator[tuple[Location, str]]:
    for key, endpoint in profile.endpoints.items():
        if endpoint.workload not in workloads:
            known = ", ".join(workloads) or "(none yet)"
            yield ("endpoints", key, "workload"), f"{endpoint.workload!r} is no workload: allowed is one of {known}"


def _merged(defaults: Document, own: Document) -> dict[str, Any]:
    below = {key: value for key, value in defaults.data.items() if key != ENDPOINT_DEFAULTS}
    data = _merge(below, own.data)
    endpoint_defaults = defaults.data.get(ENDPOINT_DEFAULTS)
    endpoints = data.get("endpoints")
    if isinstance(endpoint_defaults, Mapping) and isinstance(endpoints, Mapping):
        data["endpoints"] = {
            key: _merge(endpoint_defaults, value) if isinstance(value, Mapping) else value
            for key, value in endpoints.items()
        }
    return data


def _merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        both = isinstance(under, Mapping) and isinstance(value, Mapping)
        merged[key] = _merge(under, value) if both else value  # type: ignore[arg-type]
    return merged


def _refusal(own: Document, defaults: Document, problems: Iterable[tuple[Location, str]]) -> UsageError:
    lines = [f"{_where(own, defaults, location)}: {dotted(location)}: {text}" for location, text in problems]
    count = "1 mistake" if len(lines) == 1 else f"{len(lines)} mistakes"
    return UsageError("\n".join([f"{own.file}: {count} in the profile", *lines]))


def _where(own: Document, defaults: Document, location: Location) -> str:
    """The file and line that gave `location`: the environment's own file, else the defaults."""
    if location in own.lines:
        return f"{own.file}:{own.lines[location]}"
    inherited = (ENDPOINT_DEFAULTS, *location[2:]) if location[:1] == ("endpoints",) else location
    if inherited in defaults.lines:
        return f"{defaults.file}:{defaults.lines[inherited]}"
    line = own.line_of(location)
    return f"{own.file}:{line}" if line else str(own.file)
