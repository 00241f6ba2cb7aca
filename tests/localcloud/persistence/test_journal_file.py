import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glue.errors import UsageError
from glue.localcloud.persistence.journal import changes
from glue.localcloud.persistence.journal_file import FORMAT, JournalFile
from tests.localcloud.support import full_disk, needs_full_disk

ENTRIES = [{"number": number, "text": "ü\n" * number} for number in range(5)]


def journal(folder: Path, version: str = "moto 1") -> JournalFile:
    return JournalFile(folder, version)


def write(folder: Path, *entries: dict[str, Any]) -> None:
    with contextlib.closing(journal(folder)) as writer:
        writer.open(4599)
        for entry in entries or ENTRIES:
            writer.append(entry)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[JournalFile]:
    with contextlib.closing(journal(tmp_path)) as file:
        file.open(4599)
        yield file


@pytest.fixture
def written(tmp_path: Path) -> Path:
    folder = tmp_path / "kept"
    write(folder)
    return folder


def test_what_was_written_is_read_and_the_port_is_known(written: Path) -> None:
    assert journal(written).check() == 4599
    assert list(journal(written).entries()) == ENTRIES


def test_a_folder_that_is_not_there_or_empty_is_a_new_journal(tmp_path: Path) -> None:
    assert journal(tmp_path / "nothing").check() is None
    assert journal(tmp_path).check() is None
    assert not (tmp_path / "nothing").exists()


@given(cut=st.integers(0, 400))
def test_a_writer_that_died_leaves_whole_entries(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    folder = tmp_path_factory.mktemp("kept")
    write(folder)
    file = folder / "journal.jsonl"
    file.write_bytes(file.read_bytes()[: max(0, file.stat().st_size - cut)])
    left = list(journal(folder).entries())
    assert left == ENTRIES[: len(left)]
    write(folder, {"new": True})
    assert list(journal(folder).entries()) == [*left, {"new": True}]


@needs_full_disk
def test_an_entry_for_which_there_is_no_room_is_refused_and_leaves_the_others_readable(tmp_path: Path) -> None:
    with contextlib.closing(journal(tmp_path)) as file:
        file.open(4599)
        file.append({"number": 0})
        with full_disk(1000), pytest.raises(OSError, match=r"journal\.jsonl"):
            file.append({"number": 1, "text": "x" * 2000})
        file.append({"number": 2})
        assert [entry["number"] for entry in file.entries()] == [0, 2]


def broken_off() -> Iterator[bytes]:
    yield b"x" * 100_000
    raise ConnectionError("the client is gone")


@needs_full_disk
def test_a_body_that_is_not_whole_leaves_no_file(tmp_path: Path, opened: JournalFile) -> None:
    with pytest.raises(ConnectionError):
        opened.keep(broken_off())
    with full_disk(50_000), pytest.raises(OSError, match="large"):
        opened.keep([b"x" * 100_000])
    assert list((tmp_path / "bodies").iterdir()) == []


def damaged(folder: Path) -> None:
    file = folder / "journal.jsonl"
    file.write_bytes(file.read_bytes().replace(b'"number":2', b'"number":7'))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (damaged, "is damaged: line 3 of journal.jsonl is not what was written"),
        (lambda folder: (folder / "format.json").write_text("{"), "format.json is not readable"),
        (
            lambda folder: (folder / "format.json").write_text(json.dumps({"format": FORMAT + 1, "version": "moto 1"})),
            f"another version of the local cloud: format {FORMAT + 1}, moto 1; this one reads format {FORMAT}, moto 1",
        ),
        (lambda folder: (folder / "format.json").unlink(), "is not empty and holds no local cloud"),
    ],
)
def test_a_folder_that_cannot_be_trusted_is_refused(written: Path, change: Any, message: str) -> None:
    change(written)
    with pytest.raises(UsageError, match=message):
        journal(written).check()


def test_a_folder_of_another_version_is_refused(written: Path) -> None:
    with pytest.raises(UsageError, match=f"format {FORMAT}, moto 1; this one reads format {FORMAT}, moto 2"):
        journal(written, "moto 2").check()


def test_two_do_not_write_to_one_folder(tmp_path: Path, opened: JournalFile) -> None:
    for second in (journal(tmp_path).check, lambda: journal(tmp_path).open(4599)):
        with pytest.raises(UsageError, match="is used by another local cloud"):
            second()


@pytest.mark.parametrize("size", [0, 10, 100_000])
def test_a_body_comes_back_whatever_its_size(opened: JournalFile, size: int) -> None:
    content = bytes(range(256)) * (size // 256 + 1)
    kept = opened.keep([content[:size][:7], content[:size][7:]])
    with opened.body(kept) as body:
        assert body.read() == content[:size]
    assert ("sha256" in kept) == (size > 16 * 1024)


def test_a_body_that_is_missing_is_damage(opened: JournalFile) -> None:
    with pytest.raises(UsageError, match="bodies/00 is missing"):
        opened.body({"sha256": "00"})


@pytest.mark.parametrize(
    ("service", "method", "path", "target", "body", "expected"),
    [
        ("s3", "PUT", "/bucket/key", None, b"", True),
        ("s3", "GET", "/bucket/key", None, b"", False),
        ("s3", "HEAD", "/bucket", None, b"", False),
        ("s3", "DELETE", "/bucket/key", None, b"", True),
        ("sagemaker", "POST", "/", "SageMaker.CreateModel", b"", True),
        ("sagemaker", "POST", "/", "SageMaker.DescribeModel", b"", False),
        ("sagemaker", "POST", "/", "SageMaker.UpdateEndpoint", b"", False),
        ("sagemaker", "POST", "/", "SageMaker.CreateEndpointConfig", b"", True),
        ("sagemaker", "POST", "/endpoints/e/async-invocations", None, b"", False),
        ("lambda", "POST", "/2015-03-31/functions/f/invocations", None, b"", False),
        ("lambda", "POST", "/2015-03-31/functions", None, b"", True),
        ("iam", "POST", "/", None, b"Action=CreateRole&RoleName=x", True),
        ("iam", "POST", "/", None, b"RoleName=x&Action=GetRole", False),
        ("sns", "POST", "/", None, b"Action=Publish", False),
        ("sns", "POST", "/", None, b"Action=Subscribe", True),
        ("sqs", "POST", "/", "AmazonSQS.SendMessageBatch", b"", False),
        ("sqs", "POST", "/", "AmazonSQS.DeleteQueue", b"", True),
        ("sqs", "POST", "/", "AmazonSQS.ReceiveMessage", b"", False),
        ("logs", "POST", "/", "Logs_20140328.PutLogEvents", b"", False),
        ("logs", "POST", "/", "Logs_20140328.CreateLogGroup", b"", True),
        ("monitoring", "POST", "/service/GraniteServiceVersion20100801/operation/PutMetricAlarm", None, b"", True),
        ("monitoring", "POST", "/service/GraniteServiceVersion20100801/operation/SetAlarmState", None, b"", False),
        ("sts", "POST", "/", None, b"Action=AssumeRole", False),
    ],
)
def test_what_changes_something_that_is_kept_is_written_down(
    service: str, method: str, path: str, target: str | None, body: bytes, expected: bool
) -> None:
    environ = {"REQUEST_METHOD": method, "PATH_INFO": path}
    environ |= {"HTTP_X_AMZ_TARGET": target} if target else {}
    environ |= {"CONTENT_TYPE": "application/x-www-form-urlencoded; charset=utf-8"} if body else {}
    assert changes(service, environ, body) is expected
