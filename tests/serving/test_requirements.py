from importlib.metadata import version
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving import requirements
from serving.errors import HandlerError

INSTALLED = version("httptools")


def check(folder: Path, text: str) -> None:
    file = folder / "requirements.txt"
    file.write_text(text)
    requirements.check(file)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing\n\n",
        "httptools",
        "HttpTools>=0.1  # a comment\nuvicorn[standard]>0",
        f"httptools=={INSTALLED} \\\n    --hash=sha256:{'0' * 64} \\\n    --hash=sha256:{'1' * 64}\n",
        "-c other.txt\n--index-url https://example.com/simple\n./local.whl\n-r https://example.com/other.txt\n",
        'no-such-package==1; python_version < "3"',
        "httptools @ https://example.com/httptools.tar.gz",
    ],
)
def test_requirements_that_are_met_are_no_news(tmp_path: Path, text: str) -> None:
    check(tmp_path, text)


def test_a_handler_needs_no_requirements(tmp_path: Path) -> None:
    requirements.check(tmp_path / "requirements.txt")


def test_each_requirement_that_is_not_met_is_named(tmp_path: Path) -> None:
    with pytest.raises(HandlerError) as caught:
        check(tmp_path, "no-such-package>=2\nuvicorn\nhttptools<0.1\n")
    assert str(caught.value) == (
        f"requirements of {tmp_path}/requirements.txt are not met: no-such-package>=2 is not installed; "
        f"httptools<0.1 is asked for, {INSTALLED} is installed. Nothing is installed at start: they belong in the image"
    )


@pytest.mark.parametrize("line", ["-r more/other.txt", "-rmore/other.txt  # more", "--requirement=more/other.txt"])
def test_files_that_a_file_names_are_checked_as_well(tmp_path: Path, line: str) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "other.txt").write_text("-r ../requirements.txt\n--requirement last.txt\n")
    with pytest.raises(HandlerError, match=r"/more/last\.txt is not there"):
        check(tmp_path, line)
    (tmp_path / "more" / "last.txt").write_text("no-such-package\n")
    with pytest.raises(HandlerError, match="no-such-package is not installed"):
        check(tmp_path, line)


@given(st.text(max_size=60))
def test_any_text_is_met_or_named(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.getbasetemp() / "any"
    folder.mkdir(exist_ok=True)
    (folder / "requirements.txt").write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        requirements.check(folder / "requirements.txt")
    except HandlerError as error:
        message = str(error)
    else:
        message = "requirements are met"
    assert message.startswith("requirements")
