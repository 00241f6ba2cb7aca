"""Terraform for tests: a copy of the code, one set-up for all modules, and one provider process for many runs."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from glue.project import Project
from glue.terraform.mirrors import cli_configuration, remember
from glue.terraform.runner import FLAG, Terraform, errors_of
from glue.terraform.toolchain import find_terraform
from tests.plugin_mirror import plugin_mirror

ROOT = Path(__file__).resolve().parents[2]
REGISTRY, PLATFORM = ROOTS = ("terraform/registry", "terraform/platform")
MODULES = tuple(sorted(f"modules/{path.name}" for path in (ROOT / "modules").iterdir() if path.is_dir()))
OFFLINE_PROVIDER = """
provider "aws" {
  region                      = "eu-west-1"
  access_key                  = "nobody"
  secret_key                  = "nothing"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}
"""
"""A provider that plans without an account and without a network."""
_REATTACH = re.compile(r"TF_REATTACH_PROVIDERS='(.+)'")


@dataclass(frozen=True)
class Outcome:
    """What a run of Terraform came to."""

    code: int
    output: str


@dataclass(frozen=True)
class Code:
    """A copy of the project's Terraform code, and the way to run Terraform on it."""

    root: Path
    program: Path
    environment: Mapping[str, str]

    def environment_of(self, folder: str) -> dict[str, str]:
        """The environment of a run in `folder`: a root has data of its own, the modules share those of a root."""
        data = PLATFORM if folder.startswith("modules/") else folder
        return {**self.environment, "TF_DATA_DIR": str(self.root / "data" / data)}

    def run(self, folder: str, command: str, *arguments: str, **options: Any) -> Outcome:
        """Run `command` in `folder` of the copy. Options are those of python-terraform."""
        log = self.root / "logs" / folder.replace("/", "-") / command
        code = Terraform(self.program, self.root / folder, self.environment_of(folder)).run(
            command, *arguments, log=log, no_color=FLAG, **options
        )
        return Outcome(code, log.read_text(encoding="utf-8") + errors_of(log).read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def code(tmp_path_factory: pytest.TempPathFactory) -> Code:
    """The code in a folder of its own, so that no provider is left in the checkout."""
    root = tmp_path_factory.mktemp("terraform")
    for name in ("terraform", "modules"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns(".terraform"))
    project = Project(root)
    mirror = plugin_mirror()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("TF_", "AWS_"))}
    environment["CHECKPOINT_DISABLE"] = "1"
    if mirror:
        remember(project, mirror)
        environment["TF_CLI_CONFIG_FILE"] = str(cli_configuration(project))
    else:
        cache = root / "providers"
        cache.mkdir()
        environment["TF_PLUGIN_CACHE_DIR"] = str(cache)
    program = find_terraform(Project(ROOT))
    assert program, "Terraform is missing: make setup"
    return Code(root, program, environment)


@pytest.fixture(scope="session")
def initialised(code: Code) -> Code:
    """The code after an `init` of both roots; the modules use the providers and the lock file of the second."""
    for folder in ROOTS:
        done = code.run(folder, "init", backend=False, input=False, lockfile="readonly")
        assert done.code == 0, done.output
    for module in (code.root / "modules").iterdir():
        shutil.copy(code.root / PLATFORM / ".terraform.lock.hcl", module)
    return code


@pytest.fixture(scope="session")
def attached(initialised: Code) -> Iterator[Code]:
    """The code with a provider that is already running."""
    with running_provider(initialised) as code:
        yield code


def callable_roots(code: Code) -> None:
    """Copies of the roots in `roots`, without the provider that keeps a root from being called as a module."""
    for root in ROOTS:
        copy = code.root / "roots" / Path(root).name
        shutil.copytree(
            code.root / root, copy, ignore=shutil.ignore_patterns("tests", ".terraform*"), dirs_exist_ok=True
        )
        text = (copy / "main.tf").read_text()
        (copy / "main.tf").write_text(re.sub(r'^provider "aws" \{.*?^\}\n', "", text, flags=re.DOTALL | re.MULTILINE))


@contextmanager
def running_provider(code: Code) -> Iterator[Code]:
    """`code`, initialised, with a provider process for all of its runs, in the same environment.

    It takes seconds and half a gigabyte to start, and `terraform test` starts it anew for each run.
    Source: https://developer.hashicorp.com/terraform/plugin/debugging#starting-a-provider-in-debug-mode
    """
    providers = code.root / "data" / PLATFORM / "providers"
    process = subprocess.Popen(
        [next(providers.glob("*/hashicorp/aws/*/*/terraform-provider-aws*")), "-debug"],
        cwd=code.root / PLATFORM,  # paths to files are relative to a root, which is where Terraform starts providers
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=dict(code.environment),
        text=True,
    )
    assert process.stdout
    with process, process.stdout as lines:
        try:
            found = next(match for line in lines if (match := _REATTACH.search(line)))
            yield Code(code.root, code.program, {**code.environment, "TF_REATTACH_PROVIDERS": found.group(1)})
        finally:
            process.terminate()
