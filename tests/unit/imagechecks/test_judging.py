"""Verdicts that a container cannot easily be brought to, and the bounds of those that it can."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glue.engines import Exit, ImageFacts, Layer
from glue.imagechecks import judging
from glue.imagechecks.probe import Answer

MIB = 1 << 20


def an_image(**changes: object) -> ImageFacts:
    facts = {
        "id": "sha256:1",
        "platform": "linux/amd64",
        "entrypoint": ("python",),
        "command": (),
        "environment": {},
        "labels": {},
        "user": "",
        "size": 1,
        "created": datetime.now(UTC),
        "tags": (),
        "digests": (),
        "layers": (),
    }
    return ImageFacts(**{**facts, **changes})  # type: ignore[arg-type]


def _answer(status: int = 200, *, seconds: float = 0.0, connect: float = 0.0) -> Answer:
    return Answer(status, {}, b"", connect, seconds)


def test_an_image_for_another_processor_is_refused() -> None:
    assert "linux/arm64" in judging.platform(an_image(platform="linux/arm64")).message


@pytest.mark.parametrize(
    "words",
    [
        ("/bin/sh", "/run.sh"),
        ("bash", "-eu", "/run.sh", "-c"),
        ("bash", "-o", "pipefail", "/run.sh"),
        ("sh", "-c", 'exec python -m serving "$@"', "--"),
        ("bash", "-lc", "cd /opt && exec server $@", "server"),
        ("env", "-i", "HOME=/", "python", "-c", "serve()"),
        ("python", "-c", "serve()"),
        (),
    ],
)
def test_the_shell_may_be_the_program_of_an_exec_form(words: tuple[str, ...]) -> None:
    assert judging.entrypoint(an_image(entrypoint=words)).verdict == "pass"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("/bin/bash", "-c", "run"), "in shell form ('run')"),
        (("/bin/bash", "-lc", "run"), "in shell form"),
        (("sh", "-ec", "run"), "in shell form"),
        (("bash", "-eo", "pipefail", "-c", "run"), "in shell form"),
        (("env", "bash", "-c", "run"), "in shell form"),
        (("/usr/bin/env", "-i", "A=b", "/bin/dash", "-c", "run"), "in shell form"),
        (("sh", "-c", "exec run", "--"), "in shell form"),
        (("sh", "-c", 'run "$@"', "--"), "in shell form"),
        (("sh", "-c", 'exec run "$@"'), "takes `serve` for its own name"),
    ],
)
def test_a_shell_that_keeps_serve_or_sigterm_to_itself_is_told(words: tuple[str, ...], says: str) -> None:
    finding = judging.entrypoint(an_image(entrypoint=words))
    assert finding.verdict == "fail"
    assert says in finding.message


def test_a_secret_without_a_value_is_none() -> None:
    assert judging.secrets(an_image(environment={"API_TOKEN": ""})).verdict == "pass"
    assert judging.secrets(an_image(environment={"AWS_SECRET_ACCESS_KEY": "x"})).verdict == "fail"


def test_connecting_late_is_as_wrong_as_answering_late() -> None:
    assert judging.ping([_answer()], when="").verdict == "pass"
    assert "2 s" in judging.ping([_answer(), _answer(seconds=2.1)], when="").message
    assert "0.25 s" in judging.ping([_answer(connect=0.3)], when="").message
    assert "answered 503" in judging.ping([_answer(503)], when="").message


def test_growth_names_layers_that_came_went_and_changed() -> None:
    former = [Layer("COPY a", 10), Layer("COPY b", 5), Layer("RUN x", 7)]
    now = [Layer("COPY a", 25), Layer("COPY c", 5), Layer("RUN x", 7)]
    assert judging.growth(now, former) == [("COPY a", 15), ("COPY c", 5), ("COPY b", -5)]


@given(st.lists(st.integers(0, 1 << 40)), st.lists(st.integers(0, 1 << 40)))
def test_growth_adds_up_to_the_difference_in_size(now: list[int], former: list[int]) -> None:
    ours = [Layer(f"i{number % 3}", size) for number, size in enumerate(now)]
    theirs = [Layer(f"i{number % 4}", size) for number, size in enumerate(former)]
    assert sum(change for _, change in judging.growth(ours, theirs)) == sum(now) - sum(former)


def test_memory_that_settles_is_no_leak_and_memory_that_grows_is() -> None:
    assert judging.leak([100 * MIB] * 40).verdict == "pass"
    assert judging.leak([100 * MIB + min(n, 10) * 20 * MIB for n in range(60)]).verdict == "pass"
    assert judging.leak([100 * MIB + n * MIB for n in range(60)]).verdict == "fail"
    assert judging.leak([100 * MIB, 200 * MIB]).verdict == "skip"


def test_little_room_is_refused_before_requests_run_out_of_it() -> None:
    assert judging.idle_memory(95 * MIB, 100 * MIB).verdict == "fail"
    assert judging.idle_memory(80 * MIB, 100 * MIB).verdict == "pass"


def test_an_end_says_its_cause_where_the_log_is_known() -> None:
    finding = judging.exited(Exit(1, out_of_memory=False, error=""), "Backend worker process died\n", when="early")
    assert "a worker of the server died" in finding.message
    killed = judging.exited(Exit(137, out_of_memory=True, error=""), "", when="early")
    assert "used more memory than its limit" in killed.message


def test_after_sigterm_only_an_orderly_end_is_one() -> None:
    assert judging.stopped(Exit(0, out_of_memory=False, error=""), 1.0, limit=30).verdict == "pass"
    assert judging.stopped(Exit(143, out_of_memory=False, error=""), 1.0, limit=30).verdict == "pass"
    assert judging.stopped(Exit(1, out_of_memory=False, error=""), 1.0, limit=30).verdict == "fail"
    assert judging.stopped(None, 30.0, limit=30).verdict == "fail"


def test_a_restart_and_a_known_failure_each_fail() -> None:
    assert judging.logs("all is well", [], seconds=40).verdict == "pass"
    assert judging.logs("all is well", ["worker"], seconds=40).verdict == "fail"
    assert judging.logs('{"event": "worker_exited"}', [], seconds=40).verdict == "fail"


def test_a_restart_is_an_end_and_a_start_of_the_same_program() -> None:
    before = {"1/10": "server", "7/11": "worker", "8/12": "worker"}
    assert judging.restarted(before, before) == []
    assert judging.restarted(before, {**before, "9/50": "worker"}) == []
    assert judging.restarted(before, {"1/10": "server", "7/11": "worker"}) == []
    assert judging.restarted(before, {"1/10": "server", "7/11": "worker", "8/60": "worker"}) == ["worker"]
    assert judging.restarted(before, {"1/10": "server", "9/60": "worker", "10/61": "helper"}) == ["worker"]


def test_writes_beside_the_model_are_allowed() -> None:
    assert judging.model_dir(["/opt/ml", "/opt/ml/model", "/var/x"], "/opt/ml/model").verdict == "pass"
    assert "/opt/ml/model/c" in judging.model_dir(["/opt/ml/model/c"], "/opt/ml/model").message
