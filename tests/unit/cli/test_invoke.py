"""`glue invoke` on wrong input: every mistake named, exit code 2, nothing sent."""

import json
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run


@pytest.fixture
def image(tmp_path: Path) -> str:
    file = tmp_path / "plan.png"
    file.write_bytes(b"png")
    return str(file)


def test_all_wrong_files_are_named_before_anything_is_looked_up(
    glue: Run, capsys: pytest.CaptureFixture[str], tmp_path: Path, image: str
) -> None:
    empty = tmp_path / "empty.png"
    empty.touch()
    code = glue("invoke", "gone.png", image, str(empty), "--env", "no-such-environment")
    errors = capsys.readouterr().err
    assert code == 2
    assert "gone.png: no such file" in errors
    assert f"{empty}: empty" in errors
    assert image not in errors


def test_a_mistake_is_one_json_document_for_programs(glue: Run, capsys: pytest.CaptureFixture[str]) -> None:
    code = glue("invoke", "gone.png", "--env", "local", "--json")
    document = json.loads(capsys.readouterr().out)
    assert code == 2
    assert document["error"]["exit_code"] == 2
    assert document["error"]["message"] == "gone.png: no such file"


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Missing option '--env'"),
        (("--env", "local", "--out", "results"), "--out without --wait"),
        (("--env", "local", "--timeout", "5"), "--timeout without --wait"),
        (("--env", "local", "--wait", "--timeout", "0"), "'--timeout'"),
        (("--env", "local", "--ttl", "59"), "'--ttl'"),
        (("--env", "local", "--content-type", "png"), "--content-type 'png': not a media type"),
        (("--env", "nowhere"), "no environment 'nowhere'"),
    ],
)
def test_wrong_options_are_named(
    glue: Run,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    image: str,
    arguments: tuple[str, ...],
    message: str,
) -> None:
    monkeypatch.delenv("GLUE_ENV", raising=False)
    assert glue("invoke", image, *arguments) == 2
    assert message in capsys.readouterr().err


def test_a_folder_for_answers_that_is_a_file_is_refused(
    glue: Run, capsys: pytest.CaptureFixture[str], image: str
) -> None:
    assert glue("invoke", image, "--env", "local", "--wait", "--out", image) == 2
    assert f"--out {image}: cannot be made a folder" in capsys.readouterr().err
