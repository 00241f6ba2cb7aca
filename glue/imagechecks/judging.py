"""What was seen of an image means: each check's verdict as a pure function.

The rules are SageMaker's for a hosting container:
https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from glue.checks.golden import wrong_body
from glue.checks.verdicts import Finding, failed, passed
from glue.engines import Exit, ImageFacts, Layer
from glue.imagechecks.probe import Answer
from glue.imagechecks.sockets import Listening
from glue.images import labels
from glue.progress import mebibytes
from glue.signatures import recognise
from glue.workloads.golden import GoldenCase

PING_SECONDS = 2.0
"""How long `/ping` may take to answer."""
CONNECT_SECONDS = 0.25
"""How long the server may take to accept a connection."""
STOP_SECONDS = 30.0
"""Between SIGTERM and SIGKILL."""
LEAK_BYTES = 16 << 20
"""Growth below this is no leak, however steady: interpreters and allocators settle."""
LEAK_BYTES_PER_REQUEST = 256 << 10

_PLATFORM = "linux/amd64"
_PASSES_ON = re.compile(r"\bexec\s.*\$@", re.DOTALL)
"""A script that ends as the server itself, and gives it what it was given."""
_SHELLS = frozenset({"sh", "bash", "dash", "ash", "zsh"})
_SECRET = re.compile(r"(SECRET|PASSWORD|PASSWD|TOKEN|PRIVATE_KEY|API_KEY)", re.IGNORECASE)
_LAST_LINES = 12
_SHOWN = 300


def platform(image: ImageFacts) -> Finding:
    """One platform, the one that instances have."""
    if image.platform != _PLATFORM:
        return failed(f"the image is for {image.platform}, instances run {_PLATFORM}", platform=image.platform)
    return passed(image.platform, platform=image.platform)


def entrypoint(image: ImageFacts) -> Finding:
    """Exec form: in shell form `serve` is not passed on, and SIGTERM ends the shell alone."""
    measured = {"entrypoint": list(image.entrypoint), "command": list(image.command)}
    words = image.entrypoint
    script = _shell_script(words)
    if script and not _PASSES_ON.search(script[0]):
        return failed(
            f"ENTRYPOINT is in shell form ({script[0]!r}): `serve` and SIGTERM do not reach the server; "
            'write it in exec form, ENTRYPOINT ["…"]',
            **measured,
        )
    if script and len(script) == 1:
        return failed(
            f'the shell of ENTRYPOINT takes `serve` for its own name: put a word such as "--" after {script[0]!r}',
            **measured,
        )
    if not words:
        return passed("no ENTRYPOINT: `serve` must be a program in the image", **measured)
    return passed(f"exec form: {' '.join(words)} serve", **measured)


def _shell_script(words: Sequence[str]) -> Sequence[str]:
    """The script that a shell is given as an argument, with the words after it; empty: there is none.

    The shell may have options, joined (`-lc`) or with values (`-o pipefail`), and `env` before it.
    """
    rest = list(words)
    if rest and rest[0].rpartition("/")[2] == "env":
        rest = rest[1:]
        while rest and (rest[0].startswith("-") or "=" in rest[0]):
            rest = rest[1:]
    if not rest or rest[0].rpartition("/")[2] not in _SHELLS:
        return ()
    rest, takes_script = rest[1:], False
    while rest and rest[0].startswith(("-", "+")) and rest[0] != "--":
        option = rest.pop(0)
        takes_script = takes_script or (not option.startswith("--") and "c" in option)
        if option.endswith("o") and not option.startswith("--"):
            rest = rest[1:]
    return rest if takes_script else ()


def provenance(image: ImageFacts, *, workload: str, version: str) -> Finding:
    """Labels that say which sources the image was made from, and that they are this workload's."""
    found = {name: image.labels.get(name) for name in labels.REQUIRED}
    missing = sorted(name for name, value in found.items() if not value)
    if missing:
        return failed(f"labels are missing: {', '.join(missing)}: build it with `glue image build`", **found)
    if found[labels.WORKLOAD] != workload or found[labels.VERSION] != version:
        return failed(
            f"the image is of {found[labels.WORKLOAD]} {found[labels.VERSION]}, not of {workload} {version}", **found
        )
    return passed(f"{workload} {version}, revision {found[labels.REVISION]}", **found)


def secrets(image: ImageFacts) -> Finding:
    """No variable whose name says that its value is a secret: whoever may pull the image can read it."""
    found = sorted(name for name, value in image.environment.items() if value and _SECRET.search(name))
    if found:
        return failed(f"the image has {', '.join(found)} among its variables: whoever pulls it reads them", names=found)
    return passed("no variable looks like a secret", names=[])


def size(layers: Sequence[Layer], former: Sequence[Layer] | None) -> Finding:
    """A report: what the image weighs, layer by layer, and what grew since `former`. It fails nothing."""
    total = sum(layer.size for layer in layers)
    measured = {
        "bytes": total,
        "layers": [{"instruction": layer.instruction, "bytes": layer.size} for layer in layers],
        "grown": None
        if former is None
        else [{"instruction": name, "bytes": change} for name, change in growth(layers, former)],
    }
    text = f"{mebibytes(total)} MiB in {len(layers)} layers"
    if former is None:
        return passed(f"{text}; nothing to compare with", **measured)
    changed = [f"{name or 'base'}: {mebibytes(change):+g} MiB" for name, change in growth(layers, former)]
    return passed(
        "; ".join([f"{text}, {mebibytes(total - sum(one.size for one in former)):+g} MiB", *changed]), **measured
    )


def growth(layers: Sequence[Layer], former: Sequence[Layer]) -> list[tuple[str, int]]:
    """The instructions whose layers changed in size, with the difference in bytes; the largest growth first."""
    now, then = _by_instruction(layers), _by_instruction(former)
    changes = [(name, now.get(name, 0) - then.get(name, 0)) for name in now.keys() | then.keys()]
    return sorted(((name, change) for name, change in changes if change), key=lambda one: (-one[1], one[0]))


def not_started(message: str, image: ImageFacts) -> Finding:
    """The engine could not start it: what it said, and what that means for `IMAGE serve`."""
    if "executable file not found" in message or "no such file or directory" in message:
        program = image.entrypoint[0] if image.entrypoint else "serve"
        cause = f"the image has no program {program!r}, which `IMAGE serve` runs"
        return failed(f"{cause}{'' if image.entrypoint else ' as it has no ENTRYPOINT'}: {message}")
    return failed(f"the container does not start: {message}{_causes(message)}")


def exited(how: Exit, logs: str, *, when: str) -> Finding:
    """It ended by itself."""
    measured = {"exit_status": how.status, "out_of_memory": how.out_of_memory}
    said = "\n".join([line for line in logs.splitlines() if line.strip()][-_LAST_LINES:])
    return failed(f"the container {how} {when}{_causes(logs)}\nits last lines:\n{said or '(none)'}", **measured)


def not_ready(found: set[Listening] | None, port: int, last: str, logs: str, *, seconds: float) -> Finding:
    """It runs, and `/ping` did not answer 200 in time: because of where the server listens, or of what it said.

    Args:
        found: the container's listening sockets; None where they cannot be told from others'.
    """
    ports = sorted({one.port for one in found or ()})
    measured = {"listening": ports, "last": last, "limit_seconds": seconds}
    if found is not None and not ports:
        cause = "no server listens in the container"
    elif found is not None and port not in ports:
        cause = f"nothing listens on port {port}: the server listens on {', '.join(map(str, ports))}"
    else:
        cause = f"GET /ping: {last}"
    return failed(f"/ping did not answer 200 within {seconds:g} s: {cause}{_causes(logs)}", **measured)


def address(found: set[Listening], port: int) -> Finding:
    """The server can be reached from outside of the container."""
    ours = [one for one in found if one.port == port]
    measured = {"port": port, "loopback_only": bool(ours) and all(one.loopback for one in ours)}
    if measured["loopback_only"]:
        return failed(
            f"the server listens on 127.0.0.1:{port} only, where nobody outside of the container reaches it: "
            "bind 0.0.0.0",
            **measured,
        )
    return passed(f"port {port} on every address", **measured)


def ping(answers: Sequence[Answer], *, when: str) -> Finding:
    """`/ping` answers in time."""
    slowest = max(answer.seconds for answer in answers)
    connect = max(answer.connect_seconds for answer in answers)
    measured = {"pings": len(answers), "slowest_seconds": round(slowest, 4), "connect_seconds": round(connect, 4)}
    wrong = [answer.status for answer in answers if answer.status != 200]
    if wrong:
        return failed(f"/ping answered {wrong[0]} {when}", **measured)
    if slowest > PING_SECONDS:
        return failed(f"/ping took {slowest:.1f} s {when}, allowed are {PING_SECONDS:g} s", **measured)
    if connect > CONNECT_SECONDS:
        return failed(f"a connection took {connect:.2f} s {when}, allowed are {CONNECT_SECONDS:g} s", **measured)
    return passed(f"at most {slowest * 1000:.0f} ms in {len(answers)} pings {when}", **measured)


def golden(results: Mapping[str, str | None]) -> Finding:
    """The golden requests, by name: what is wrong with each answer, or None."""
    wrong = {name: problem for name, problem in results.items() if problem}
    measured = {"cases": len(results), "failed": sorted(wrong)}
    if wrong:
        lines = "\n".join(f"{name}: {problem}" for name, problem in wrong.items())
        return failed(f"{len(wrong)} of {len(results)} golden requests got another answer:\n{lines}", **measured)
    return passed(f"{len(results)} golden requests answered as expected", **measured)


def wrong_answer(case: GoldenCase, answer: Answer) -> str | None:
    """In what `answer` is not the one that `case` expects; None: it is."""
    return _wrong_success(case, answer) if case.expect.outcome == "success" else _wrong_failure(case, answer)


def _wrong_success(case: GoldenCase, answer: Answer) -> str | None:
    if answer.status != 200:
        said = answer.body[:_SHOWN].decode("utf-8", errors="replace")
        return f"expected a success, got status {answer.status}: {said}"
    if "content-length" not in answer.headers:
        return "the answer has no Content-Length, which SageMaker needs"
    return wrong_body(case, answer.body)


def _wrong_failure(case: GoldenCase, answer: Answer) -> str | None:
    text = answer.body.decode("utf-8", errors="replace")
    said = text[:_SHOWN]
    if answer.status < 400:
        return f"expected a failure, got status {answer.status}"
    if case.expect.status is not None and answer.status != case.expect.status:
        return f"expected status {case.expect.status}, got {answer.status}: {said}"
    if case.expect.message is not None and not re.search(case.expect.message, text):
        return f"expected a failure that says {case.expect.message!r}, got: {said}"
    return None


def bad_request(what: str, answer: Answer, after: Answer) -> Finding:
    """A request that cannot be served is refused, and the server goes on."""
    measured = {"request": what, "status": answer.status, "ping": after.status}
    if answer.status < 400:
        return failed(
            f"the bad request ({what}) was answered with {answer.status} as if it were a good one", **measured
        )
    if after.status != 200:
        return failed(f"after the bad request ({what}) /ping answers {after.status}", **measured)
    return passed(f"{what}: status {answer.status}, and the server goes on", **measured)


def idle_memory(found: int, limit: int) -> Finding:
    """What the loaded model takes leaves room to work."""
    measured = {"bytes": found, "limit_bytes": limit}
    text = f"{mebibytes(found)} MiB idle, the limit is {mebibytes(limit):g} MiB"
    if found > 0.9 * limit:
        return failed(f"{text}: nothing is left for requests; raise container.memory_mib in workload.yaml", **measured)
    return passed(text, **measured)


def leak(samples: Sequence[int]) -> Finding:
    """Memory after each of a row of equal requests: the first third settles, from there on it may not grow."""
    settled = samples[len(samples) // 3 :]
    if len(settled) < 3:
        return Finding(
            "skip",
            f"{len(samples)} requests are too few to tell, and no more fit into half of the watch: --observe",
            {"requests": len(samples)},
        )
    grown = settled[-1] - settled[0]
    each = grown / (len(settled) - 1)
    measured = {"requests": len(samples), "grown_bytes": grown, "bytes_per_request": round(each)}
    if grown > LEAK_BYTES and each > LEAK_BYTES_PER_REQUEST:
        return failed(
            f"memory leaks: {mebibytes(grown)} MiB more after {len(settled) - 1} equal requests "
            f"({mebibytes(round(each))} MiB each)",
            **measured,
        )
    return passed(f"{mebibytes(grown):+g} MiB over {len(settled) - 1} equal requests", **measured)


def restarted(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """The names of processes that have ended and were started again between `before` and `after`."""
    ended = Counter(before[one] for one in before.keys() - after.keys())
    started = Counter(after[one] for one in after.keys() - before.keys())
    return sorted((ended & started).elements())


def logs(text: str, restarts: Sequence[str], *, seconds: float) -> Finding:
    """While the container was watched it has logged nothing that is known to be a failure, and restarted no process.

    The container itself is not started again by anything: its end is a failure of its own.
    """
    found = recognise(text)
    measured = {"restarts": len(restarts), "seconds": round(seconds, 1), "signatures": [one.id for one in found]}
    if found:
        return failed("\n".join(f"{one.cause}: {one.line}" for one in found), **measured)
    if restarts:
        return failed(f"processes ended and were started again: {', '.join(restarts)}", **measured)
    return passed(f"nothing known to be a failure in {seconds:.0f} s", **measured)


def model_dir(changes: Sequence[str], folder: str) -> Finding:
    """Nothing was written below `folder`, which is read-only on an instance."""
    written = sorted(path for path in changes if path.startswith(f"{folder}/"))
    if written:
        return failed(
            f"{', '.join(written[:5])} was written: {folder} is read-only on an instance; caches belong to /tmp",
            written=written[:50],
        )
    return passed(f"nothing written to {folder}", written=[])


def stopped(how: Exit | None, seconds: float, *, limit: float) -> Finding:
    """SIGTERM ends it in time and in order; `how` is None when it still ran after `limit` seconds."""
    measured = {"seconds": round(seconds, 2), "exit_status": how.status if how else None}
    if how is None:
        return failed(
            f"the container still ran {limit:g} s after SIGTERM: its first process ignores it, or does not pass it on",
            **measured,
        )
    if how.status not in {0, 143}:
        return failed(f"after SIGTERM the container {how}", **measured)
    return passed(f"ended {seconds:.1f} s after SIGTERM", **measured)


def _by_instruction(layers: Sequence[Layer]) -> Mapping[str, int]:
    sizes: dict[str, int] = {}
    for layer in layers:
        sizes[layer.instruction] = sizes.get(layer.instruction, 0) + layer.size
    return sizes


def _causes(text: str) -> str:
    found = recognise(text)
    return "".join(f"\n{one.cause} ({one.line})" for one in found)
