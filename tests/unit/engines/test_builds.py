from glue.engines.builds import Steps


def test_the_step_that_runs_is_the_one_not_done() -> None:
    steps = Steps()
    lines = ["#1 [base 1/1] FROM x", "#2 [builder 1/2] RUN a", "#1 CACHED", "#2 0.4 words", "#3 [other 1/1] RUN b"]
    assert [steps.read(line) for line in lines] == [
        "[base 1/1] FROM x",
        "[builder 1/2] RUN a",
        None,
        None,
        "[other 1/1] RUN b",
    ]
    assert steps.current == "[builder 1/2] RUN a; [other 1/1] RUN b"
    steps.read("#2 DONE 1.0s")
    assert steps.current == "[other 1/1] RUN b"


def test_a_step_that_is_announced_again_does_not_start_again() -> None:
    steps = Steps()
    assert steps.read("#4 [x 1/2] COPY a b") is not None
    assert steps.read("#4 [x 1/2] COPY a b") is None


def test_podman_and_buildah_do_one_step_at_a_time() -> None:
    steps = Steps()
    assert steps.read("[1/2] STEP 1/3: FROM x AS base") == "FROM x AS base"
    assert steps.read("STEP 2: RUN sleep 9") == "RUN sleep 9"
    assert steps.current == "RUN sleep 9"


def test_a_step_that_failed_is_named_and_not_those_that_ran_beside_it() -> None:
    steps = Steps()
    for line in ("#1 [a 1/1] RUN exit 3", "#2 [b 1/1] RUN sleep 9", "#1 ERROR: exit code: 3", "#2 CANCELED"):
        steps.read(line)
    assert steps.current == "[a 1/1] RUN exit 3"


def test_after_the_last_step_it_is_still_named() -> None:
    steps = Steps()
    steps.read("#9 [x 1/1] RUN exit 3")
    steps.read("#9 ERROR: process did not complete successfully: exit code: 3")
    assert steps.current == "[x 1/1] RUN exit 3"
