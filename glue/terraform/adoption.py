"""What AWS has and the state does not: left of a Terraform that was killed before it wrote down what it had made."""

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from glue.terraform.events import Diagnostic

_EXISTS = re.compile(r"already ?exist|AlreadyOwnedByYou", re.IGNORECASE)
_NAMED = re.compile(r"^creating [^(:]+\(([^)]+)\): ")
_ENDPOINT = re.compile(r'Cannot create already existing endpoint "arn:[^"]+:endpoint/([^"]+)"')


@dataclass(frozen=True)
class Unadopted:
    """An object that Terraform was to make and that is there already. `identifier` is what an import calls it."""

    address: str
    identifier: str

    def command(self, environment: str, layer: str) -> str:
        """The command that puts it into the state, ready for a shell."""
        return shlex.join(["glue", "import", "--env", environment, "--layer", layer, self.address, self.identifier])


def unadopted(errors: Iterable[Diagnostic], account_id: str) -> tuple[Unadopted, ...]:
    """The objects that an apply could not make because they exist, as far as the errors tell their identifiers.

    The provider names what it creates in brackets, such as `creating S3 Bucket (name): …`. All resources of ours with a
    name of their own choice are imported by that name, a budget by its account as well; SageMaker's own message names
    an endpoint by its ARN.
    """
    return tuple(found for error in errors if (found := _unadopted(error, account_id)))


def existing_endpoint(error: Diagnostic) -> str | None:
    """The name of the endpoint that could not be made because there is one; None for any other error."""
    found = _ENDPOINT.search(error.summary)
    return found.group(1) if found else None


def _unadopted(error: Diagnostic, account_id: str) -> Unadopted | None:
    if not error.address or not _EXISTS.search(f"{error.summary}\n{error.detail}"):
        return None
    named = _NAMED.match(error.summary)
    name = named.group(1) if named else existing_endpoint(error)
    if not name:
        return None
    owner = f"{account_id}:" if ".aws_budgets_budget." in error.address else ""
    return Unadopted(error.address, owner + name)
