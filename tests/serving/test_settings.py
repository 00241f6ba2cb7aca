from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving import settings
from serving.errors import SettingsError


def test_nothing_set_gives_the_defaults_of_a_sagemaker_container() -> None:
    read = settings.read({})
    assert (read.host, read.port, read.timeout, read.workers, read.slots) == ("0.0.0.0", 8080, 3600, 1, 1)
    assert read.model_dir == Path("/opt/ml/model")
    assert read.search_paths == (Path("/opt/ml/model/code"),)
    assert read.program == "inference.py"
    assert read.default_accept == "application/json"
    assert read.max_request_bytes == 1 << 30
    assert read.warnings == ()


def test_an_empty_variable_counts_as_unset() -> None:
    assert settings.read({"SAGEMAKER_BIND_TO_PORT": " ", "SAGEMAKER_BASE_DIR": ""}) == settings.read({})


def test_the_handler_is_looked_for_in_its_own_folder_before_the_artifacts() -> None:
    read = settings.read({"SAGEMAKER_BASE_DIR": "/ml", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/program"})
    assert read.search_paths == (Path("/opt/program"), Path("/ml/model/code"))


@pytest.mark.parametrize(("given_name", "expected"), [("inference", "inference.py"), ("a/b.py", "a/b.py")])
def test_the_program_may_be_a_module_or_a_file(given_name: str, expected: str) -> None:
    assert settings.read({"SAGEMAKER_PROGRAM": given_name}).program == expected


def test_slots_follow_the_workers_unless_set() -> None:
    assert settings.read({"MODEL_SERVER_WORKERS": "3"}).slots == 3
    assert settings.read({"MODEL_SERVER_WORKERS": "3", "SAGEMAKER_MAX_CONCURRENT_INVOCATIONS": "5"}).slots == 5


@pytest.mark.parametrize("name", settings.TIMEOUT_NAMES)
def test_a_timeout_is_in_seconds_whatever_name_it_is_read_from(name: str) -> None:
    read = settings.read({name: "300"})
    assert (read.timeout, read.timeout_name) == (300, name)


def test_the_setting_itself_needs_no_warning() -> None:
    assert settings.read({"SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS": "300"}).warnings == ()


def test_a_name_whose_unit_differs_elsewhere_is_read_with_a_warning_that_names_the_unit() -> None:
    (warning,) = settings.read({"SAGEMAKER_MODEL_SERVER_TIMEOUT": "300", "MODEL_SERVER_TIMEOUT": "300"}).warnings
    assert "300 seconds, read from SAGEMAKER_MODEL_SERVER_TIMEOUT" in warning
    assert "toolkit reads minutes" in warning


def test_a_timeout_that_is_passed_over_is_named() -> None:
    environ = {"SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS": "60", "TS_DEFAULT_RESPONSE_TIMEOUT": "300"}
    read = settings.read(environ)
    assert read.timeout == 60
    assert read.warnings == (
        "TS_DEFAULT_RESPONSE_TIMEOUT=300 is not used: SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS=60 comes first",
    )


@pytest.mark.parametrize("name", [*settings.WORKERS_NAMES[1:], *settings.MAX_REQUEST_NAMES[1:]])
def test_what_is_read_from_another_servers_name_is_said(name: str) -> None:
    (warning,) = settings.read({name: "2"}).warnings
    assert f"read from {name}" in warning


@pytest.mark.parametrize(
    ("names", "used"),
    [
        (settings.WORKERS_NAMES, "SAGEMAKER_MODEL_SERVER_WORKERS=3"),
        (settings.MAX_REQUEST_NAMES, "TS_MAX_REQUEST_SIZE=3"),
    ],
)
def test_a_name_that_is_passed_over_is_said(names: tuple[str, ...], used: str) -> None:
    warnings = settings.read({name: str(3 + number) for number, name in enumerate(names)}).warnings
    assert warnings == tuple(f"{names[n]}={3 + n} is not used: {used} comes first" for n in (1, 2))


def test_the_toolkits_limit_of_a_body_is_in_megabytes_and_a_warning_says_so() -> None:
    read = settings.read({"SAGEMAKER_MAX_PAYLOAD_IN_MB": "6"})
    assert (read.max_request_bytes, read.max_request_name) == (6 * 1048576, "SAGEMAKER_MAX_PAYLOAD_IN_MB")
    (warning,) = read.warnings
    assert "6291456 bytes, read from SAGEMAKER_MAX_PAYLOAD_IN_MB (in units of 1048576 bytes)" in warning


def test_what_has_no_meaning_here_is_named() -> None:
    (warning,) = settings.read({"SAGEMAKER_MODEL_SERVER_VMARGS": "-Xmx1g"}).warnings
    assert warning == "SAGEMAKER_MODEL_SERVER_VMARGS is not used: there is no Java machine"
    for name in ("SAGEMAKER_SAFE_PORT_RANGE", "SAGEMAKER_CONTAINER_LOG_LEVEL", "SAGEMAKER_STARTUP_TIMEOUT"):
        (warning,) = settings.read({name: "20"}).warnings
        assert warning.startswith(f"{name} is not used: ")


def test_the_request_to_warm_up_with_lies_in_the_models_folder() -> None:
    assert settings.read({"SAGEMAKER_WARMUP_REQUEST": "code/one.json"}).warmup == Path("/opt/ml/model/code/one.json")


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("SAGEMAKER_BIND_TO_PORT", "http", "a whole number from 0 to 65535"),
        ("SAGEMAKER_BIND_TO_PORT", "65536", "a whole number from 0 to 65535"),
        ("SAGEMAKER_MODEL_SERVER_TIMEOUT", "0", "a whole number from 1 to 86400"),
        ("TS_DEFAULT_RESPONSE_TIMEOUT", "5m", "a whole number from 1 to 86400"),
        ("SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS", "-1", "a whole number from 1 to 86400"),
        ("SAGEMAKER_MODEL_SERVER_WORKERS", "٣", "a whole number from 1 to 64"),
        ("SAGEMAKER_MAX_CONCURRENT_INVOCATIONS", "1001", "a whole number from 1 to 1000"),
        ("SAGEMAKER_SHUTDOWN_GRACE_SECONDS", "60", "a whole number from 0 to 20"),
        ("TS_MAX_REQUEST_SIZE", "1 GB", "a whole number from 1 to 1073741824"),
        ("SAGEMAKER_MAX_PAYLOAD_IN_MB", "1025", "a whole number from 1 to 1024"),
        ("SAGEMAKER_METRICS", "yes", "on or off"),
        ("SAGEMAKER_WARMUP_REQUEST", "../other.json", "a file below /opt/ml/model"),
        ("SAGEMAKER_WARMUP_REQUEST", "/etc/passwd", "a file below /opt/ml/model"),
        ("SAGEMAKER_MULTI_MODEL", "true", "false, or unset; a server has one model"),
        ("SAGEMAKER_PROGRAM", "../inference.py", "the path of a Python module"),
        ("SAGEMAKER_PROGRAM", "/opt/inference.py", "the path of a Python module"),
        ("SAGEMAKER_SUBMIT_DIRECTORY", "s3://bucket/code.tar.gz", "a folder of this machine"),
    ],
)
def test_a_value_that_is_not_allowed_is_named_with_what_is(name: str, value: str, allowed: str) -> None:
    with pytest.raises(SettingsError) as caught:
        settings.read({name: value})
    (problem,) = caught.value.problems
    assert problem.startswith(f"{name}={value!r} is not allowed: {allowed}")


def test_all_problems_are_reported_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        settings.read({"SAGEMAKER_BIND_TO_PORT": "x", "SAGEMAKER_SHUTDOWN_GRACE_SECONDS": "y"})
    assert len(caught.value.problems) == 2


@given(st.text(), st.sampled_from(["SAGEMAKER_BIND_TO_PORT", "SAGEMAKER_PROGRAM", "SAGEMAKER_BASE_DIR"]))
def test_any_text_is_read_or_refused_with_a_sentence(value: str, name: str) -> None:
    problems: list[str] = []
    try:
        read = settings.read({name: value})
    except SettingsError as error:
        problems = error.problems
    else:
        assert 0 <= read.port <= 65535
        assert ".." not in Path(read.program).parts
    assert all(problem.startswith(name) for problem in problems)
