"""Plan, apply and outputs of one layer of one environment."""

import hashlib
import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from glue.aws.state_bucket import ensure_state_bucket, state_bucket_exists
from glue.cloud import Cloud
from glue.errors import FailedError, UsageError
from glue.files import sha256_of, write_atomically
from glue.functions import Package, package
from glue.presence import check_present
from glue.profiles import Profile, load_profiles
from glue.progress import Reporter
from glue.project import Project
from glue.releases import Release, read_release, require_complete
from glue.rendering import platform_variables, registry_variables, tfvars
from glue.terraform.adoption import unadopted
from glue.terraform.events import Outcome, outcome, parse_event
from glue.terraform.layers import Layer, LayerFiles
from glue.terraform.locking import LockedError, exclusive, left_behind, refused, state_lock
from glue.terraform.narration import narrate
from glue.terraform.plan_record import PlanRecord
from glue.terraform.protection import Destruction, destructions, require_allowed, unused
from glue.terraform.replacement import still_there, wait_until_gone
from glue.terraform.runner import FLAG, Terraform
from glue.terraform.summary import summarize
from glue.terraform.workspace import Workspace, said

_STATE_LOCK_WAIT = "20s"
_CHANGED = "the profile, the release or the code changed since the plan was shown"
_SUCCESS = (0, 2)
"""With `-detailed-exitcode`, a plan that changes something ends with 2."""


@dataclass(frozen=True)
class Deployment:
    """One layer of one environment: planned, applied, read."""

    project: Project
    profile: Profile
    cloud: Cloud
    layer: Layer
    reporter: Reporter

    @cached_property
    def workspace(self) -> Workspace:
        """The layer's working place."""
        return Workspace(self.project, self.profile, self.cloud, self.layer)

    @property
    def files(self) -> LayerFiles:
        """Where the layer's files lie."""
        return self.workspace.files

    def render(self) -> dict[Path, str]:
        """The files that Terraform reads, as profile and release have them now.

        Raises:
            UsageError: the platform's release is missing or incomplete.
        """
        return {self.files.variables: tfvars(self._variables()), self.files.backend: self.workspace.backend()}

    def initialise(self) -> None:
        """Do what comes before a plan and does not depend on a release: the state bucket and Terraform's `init`.

        Raises:
            GlueError: a missing tool or provider, or another run under way.
        """
        with self._exclusive(make_bucket=True):
            pass

    def plan(self, *, destroy: bool = False) -> PlanRecord:
        """Make and save a plan.

        Raises:
            GlueError: wrong input, a missing tool, a locked state, or Terraform's own refusal.
        """
        with self._ready_to_plan(destroy=destroy) as (terraform, rendered):
            self.reporter.step(f"planning the {self.layer} layer of {self.profile.environment}")
            result = self._run(
                terraform,
                "plan",
                detailed_exitcode=FLAG,
                out=str(self.files.plan),
                var_file=str(self.files.variables),
                destroy=FLAG if destroy else None,
            )
            self._require_success("plan", result, [])
            empty = result.exit_code == 0
            record = PlanRecord(
                environment=self.profile.environment,
                layer=self.layer,
                destroy=destroy,
                created=datetime.now(UTC),
                inputs=self._inputs(rendered),
                plan=sha256_of(self.files.plan),
                changes=result.changes,
                protected=() if empty else self._protected(terraform),
                empty=empty,
            )
            self._keep(record)
            return record

    def plan_and_apply(self, *, allow_destroy: Collection[str] = ()) -> dict[str, Any]:
        """Plan, report the plan's summary and apply it with nobody asked; returns the layer's outputs.

        This is one run of Terraform, unless the environment has deletion protection: then the plan is looked at first.

        Raises:
            GlueError: as `plan` and `apply`.
        """
        if self._is_protected():
            record = self.plan()
            for line in summarize(record.changes).splitlines():
                self.reporter.note(line)
            return self.carry_out(record, allow_destroy=allow_destroy)
        with self._ready_to_plan() as (terraform, _):
            self.reporter.step(f"planning and applying the {self.layer} layer of {self.profile.environment}")
            result = self._plan_and_apply(terraform)
            if self._former_are_gone(result):
                result = self._plan_and_apply(terraform)
            self._require_success("apply", result, ["run the command again: what was made is kept"])
            return result.outputs

    def saved_plan(self) -> PlanRecord | None:
        """The plan that `apply` would apply, or None when there is none.

        Raises:
            UsageError: the plan is not of what the profile, the release and the code say now.
        """
        try:
            record = PlanRecord.model_validate_json(self.files.plan_record.read_bytes())
            intact = record.plan == sha256_of(self.files.plan)
        except (FileNotFoundError, ValidationError):
            return None
        if not intact or record.inputs != self._inputs(self.render()):
            raise UsageError(_CHANGED, hints=[f"glue plan --env {self.profile.environment} --layer {self.layer}"])
        return record

    def require_allowed(self, record: PlanRecord, allow_destroy: Collection[str]) -> None:
        """Go on only when the plan destroys nothing protected but what `allow_destroy` names by address.

        Raises:
            FailedError: it does.
        """
        require_allowed(record.protected, allow_destroy, where=f"the {self.layer} layer of {record.environment}")

    def note_unused(self, record: PlanRecord, allow_destroy: Collection[str]) -> None:
        """Report addresses in `allow_destroy` that let nothing go."""
        for address in unused(record.protected, allow_destroy):
            self.reporter.note(f"--allow-destroy {address}: the plan destroys nothing protected of that address")

    def apply(self, record: PlanRecord, *, allow_destroy: Collection[str] = ()) -> Outcome:
        """Apply exactly the saved plan that `record` describes; the plan is used up by it.

        What waits for the end of a former endpoint is planned and applied after that.

        Raises:
            FailedError: it would destroy what is protected and not in `allow_destroy`; or Terraform failed: what it had
                made is in the state, and plan and apply can be run again.
        """
        self.require_allowed(record, allow_destroy)
        self.note_unused(record, allow_destroy)
        again = f"glue plan --env {self.profile.environment} --layer {self.layer}"
        result = self._use_up(record, again)
        if self._former_are_gone(result):
            rest = self._rest_of(record, again)
            self.require_allowed(rest, allow_destroy)
            result = self._use_up(rest, again)
        self._require_success("apply", result, [f"{again}  (what was made is kept)"])
        return result

    def carry_out(self, record: PlanRecord, *, allow_destroy: Collection[str] = ()) -> dict[str, Any]:
        """Apply the plan of `record` and return the layer's outputs; one that changes nothing is not applied.

        Raises:
            FailedError: as `apply`.
        """
        if record.empty:
            self.discard_plan()
            return self.outputs()
        return self.apply(record, allow_destroy=allow_destroy).outputs

    def adopt(self, address: str, identifier: str) -> None:
        """Put what exists in AWS, and is missing in the state, into the state under `address`.

        Raises:
            FailedError: Terraform refused: there is no such object, or the address is taken or not in the code.
        """
        with self._ready_to_plan() as (terraform, _):
            self.reporter.step(f"importing {identifier} as {address}")
            log = self.files.log("import")
            code = terraform.run(
                "import",
                address,
                identifier,
                log=log,
                input=False,
                no_color=FLAG,
                lock_timeout=_STATE_LOCK_WAIT,
                var_file=str(self.files.variables),
            )
            if code != 0:
                raise FailedError(f"{identifier} was not imported as {address}:\n{said(log)}")

    def outputs(self) -> dict[str, Any]:
        """The layer's outputs as plain data; empty when it was never applied.

        Raises:
            GlueError: the state cannot be read.
        """
        if not state_bucket_exists(self.profile, self.cloud):
            return {}
        tools = self.workspace.tools()
        if self.workspace.is_initialised(tools):
            return self._outputs(self.workspace.terraform(tools))
        with self._exclusive() as terraform:
            return self._outputs(terraform)

    def _plan_and_apply(self, terraform: Terraform) -> Outcome:
        return self._run(terraform, "apply", auto_approve=FLAG, var_file=str(self.files.variables))

    def _use_up(self, record: PlanRecord, again: str) -> Outcome:
        """Run Terraform on the saved plan of `record`, which is gone afterwards; `again` makes another one."""
        with self._exclusive() as terraform:
            if not self.files.plan.is_file() or sha256_of(self.files.plan) != record.plan:
                raise FailedError("the plan that was shown is gone: another run used or replaced it", hints=[again])
            verb = "destroying" if record.destroy else "applying"
            self.reporter.step(f"{verb} the {self.layer} layer of {self.profile.environment}")
            # From here on the plan counts as used: if this run is killed, the next one makes a new plan.
            self.files.plan_record.unlink(missing_ok=True)
            try:
                result = self._run(terraform, "apply", str(self.files.plan))
            except LockedError:
                self._keep(record)
                raise
            self.discard_plan()
            return result

    def _rest_of(self, record: PlanRecord, again: str) -> PlanRecord:
        """A plan of what is left of the one that was shown.

        Raises:
            FailedError: it is of something else, or of more; it is not kept, because nobody has seen it.
        """
        rest = self.plan(destroy=record.destroy)
        more = {change.address for change in rest.changes} - {change.address for change in record.changes}
        if rest.inputs == record.inputs and not more:
            return rest
        self.discard_plan()
        reason = _CHANGED if rest.inputs != record.inputs else f"it is more than was shown: {', '.join(sorted(more))}"
        raise FailedError(
            f"what is left of the plan was not applied: {reason}", hints=[f"{again}  (what was made is kept)"]
        )

    def _former_are_gone(self, result: Outcome) -> bool:
        """Whether a run failed only because former endpoints were still being deleted, and they have gone meanwhile."""
        names = still_there(result.errors)
        return bool(names) and wait_until_gone(self.cloud.client("sagemaker"), names, self.reporter)

    def _keep(self, record: PlanRecord) -> None:
        write_atomically(self.files.plan_record, record.model_dump_json(indent=2) + "\n")

    def discard_plan(self) -> None:
        """Remove the saved plan."""
        self.files.plan_record.unlink(missing_ok=True)
        self.files.plan.unlink(missing_ok=True)

    @contextmanager
    def _ready_to_plan(self, *, destroy: bool = False) -> Iterator[tuple[Terraform, dict[Path, str]]]:
        """Terraform with its files rendered and nothing missing that they name, and no plan kept from before."""
        rendered = self.render()
        if self.layer is Layer.PLATFORM and not destroy:
            check_present(self._release(), self.cloud)
        with self._exclusive(make_bucket=True) as terraform:
            self.discard_plan()
            for file, text in rendered.items():
                write_atomically(file, text)
            if function := self._upload_trigger():
                function.write()
            yield terraform, rendered

    @contextmanager
    def _exclusive(self, *, make_bucket: bool = False) -> Iterator[Terraform]:
        """Terraform, initialised, while no other run of this layer is under way in this checkout."""
        tools = self.workspace.tools()
        with exclusive(self.files.lock) as lock:
            if make_bucket:
                ensure_state_bucket(self.profile, self.cloud, self.reporter)
            terraform = self.workspace.terraform(tools, lock)
            self.workspace.initialise(terraform, tools, self.reporter)
            yield terraform

    def _run(self, terraform: Terraform, command: str, *arguments: str, **options: Any) -> Outcome:
        """Run `command`; when a dead run of this checkout left the state locked, unlock it and run again."""
        log, previous = self.files.log(command), self.files.log(f"{command}.previous")
        if log.is_file():
            log.replace(previous)
        result = self._once(terraform, command, *arguments, **options)
        lock = state_lock(result)
        if lock is None:
            return result
        logs = [self.files.log(name) for name in ("plan", "apply", "plan.previous", "apply.previous")]
        if not left_behind(lock, logs):
            raise refused(lock)
        self.reporter.note(f"removing the state lock {lock.id} that an interrupted run of this checkout left")
        if terraform.run("force-unlock", lock.id, force=FLAG) != 0:
            raise refused(lock)
        return self._once(terraform, command, *arguments, **options)

    def _once(self, terraform: Terraform, command: str, *arguments: str, **options: Any) -> Outcome:
        log = self.files.log(command)
        listen = narrate(self.reporter, plans=command == "apply")
        code = terraform.run(
            command,
            *arguments,
            log=log,
            listen=listen,
            json=FLAG,
            input=False,
            lock_timeout=_STATE_LOCK_WAIT,
            **options,
        )
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        return outcome((parse_event(line) for line in lines if line.strip()), code)

    def _is_protected(self) -> bool:
        """Whether the layer is of an environment with deletion protection; the registry is if any that shares it is."""
        return bool(self._variables()["deletion_protection"])

    def _protected(self, terraform: Terraform) -> tuple[Destruction, ...]:
        """What the saved plan would destroy of what is protected.

        Raises:
            FailedError: the plan cannot be read.
        """
        if not self._is_protected():
            return ()
        log = self.files.log("show")
        if terraform.run("show", str(self.files.plan), log=log, json=FLAG) != 0:
            raise FailedError(f"the plan of the {self.layer} layer cannot be read:\n{said(log)}")
        document = json.loads(log.read_bytes())
        log.unlink()  # it is long, and may hold secrets
        return destructions(document)

    def _outputs(self, terraform: Terraform) -> dict[str, Any]:
        log = self.files.log("output")
        code = terraform.run("output", log=log, json=FLAG)
        if code != 0:
            raise FailedError(f"the outputs of the {self.layer} layer cannot be read:\n{said(log)}")
        return {name: output["value"] for name, output in json.loads(log.read_text(encoding="utf-8")).items()}

    def _require_success(self, command: str, result: Outcome, hints: Sequence[str]) -> None:
        if result.exit_code not in _SUCCESS:
            reasons = "\n".join(str(error) for error in result.errors) or said(self.files.log(command))
            account = self.profile.account_id
            adoptions = [one.command(self.profile.environment, self.layer) for one in unadopted(result.errors, account)]
            explained = ["what exists already, a run that was killed may have left; to adopt it:"] if adoptions else []
            raise FailedError(
                f"the {command} of the {self.layer} layer failed:\n{reasons}", hints=[*explained, *adoptions, *hints]
            )

    def _variables(self) -> dict[str, Any]:
        if self.layer is Layer.PLATFORM:
            return platform_variables(self.profile, self.cloud, self._release(), upload_trigger=self._upload_trigger())
        everyone = load_profiles(self.project.envs_dir).values()
        return registry_variables(
            self.profile, self.cloud, [one for one in everyone if _shares_registry(one, self.profile)]
        )

    def _upload_trigger(self) -> Package | None:
        triggered = any(endpoint.trigger for endpoint in self.profile.endpoints.values())
        return package(self.project, "upload_trigger") if triggered and self.layer is Layer.PLATFORM else None

    def _release(self) -> Release:
        release = read_release(self.cloud.releases_dir, self.profile.environment)
        return require_complete(release, self.profile)

    def _inputs(self, rendered: dict[Path, str]) -> str:
        parts = [*rendered.values(), self.workspace.code_digest()]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _shares_registry(one: Profile, other: Profile) -> bool:
    return (one.account_id, one.region, one.name_prefix) == (other.account_id, other.region, other.name_prefix)
