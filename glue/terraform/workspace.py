"""A layer's working place: its rendered files, Terraform's environment, and `init` when it is due."""

import hashlib
import os
from pathlib import Path

from glue.cloud import Cloud
from glue.errors import FailedError, MissingError
from glue.files import write_atomically
from glue.profiles import Profile
from glue.progress import Reporter
from glue.project import Project
from glue.rendering import backend_config
from glue.terraform.installation import platform_name
from glue.terraform.layers import Layer, LayerFiles, layer_files, state_key
from glue.terraform.locking import RunLock
from glue.terraform.mirrors import MIRROR_SETTING, cli_configuration, mirror
from glue.terraform.provider_lock import LOCK_FILE, LockedProvider, lacking, read_lock
from glue.terraform.runner import FLAG, Terraform, errors_of
from glue.terraform.toolchain import Toolchain, toolchain

_INPUT_VARIABLES = ("TF_VAR_", "TF_CLI_ARGS", "TF_WORKSPACE", "TF_DATA_DIR", "TF_INPUT")
"""Settings of the caller's shell that would change what a plan says."""
_REAL_CREDENTIALS = (
    "AWS_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
)


def said(log: Path) -> str:
    """All that a run of Terraform said on standard error, or on standard output if that is nothing."""
    texts = (file.read_text(encoding="utf-8", errors="replace").strip() for file in (errors_of(log), log))
    return next((text for text in texts if text), "(nothing was said)")


class Workspace:
    """Where one layer of one environment is planned and applied."""

    def __init__(self, project: Project, profile: Profile, cloud: Cloud, layer: Layer) -> None:
        self.project = project
        self.profile = profile
        self.cloud = cloud
        self.layer = layer
        self.files: LayerFiles = layer_files(project, cloud, profile.environment, layer)

    def tools(self) -> Toolchain:
        """The Terraform to run.

        Raises:
            MissingError: there is none that fits.
        """
        return toolchain(self.project)

    def terraform(self, tools: Toolchain, lock: RunLock | None = None) -> Terraform:
        """A runner in the layer's root module, which holds `lock` too."""
        return Terraform(tools.path, self.files.root_module, self._environment(), lock=lock)

    def code_digest(self) -> str:
        """The sha256 of the Terraform code: the layer's root module, all modules, and which providers are locked."""
        digest = hashlib.sha256()
        modules = self.project.root / "modules"
        lock = self.files.root_module.glob(LOCK_FILE)
        for file in sorted([*lock, *self.files.root_module.glob("*.tf"), *modules.rglob("*.tf")]):
            digest.update(f"{file.relative_to(self.project.root)}\0".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
        return digest.hexdigest()

    def backend(self) -> str:
        """The backend configuration."""
        return backend_config(self.profile, self.cloud, state_key=state_key(self.profile, self.layer))

    def is_initialised(self, tools: Toolchain) -> bool:
        """Whether the last `init` was for this backend, this code and this program."""
        stamp = self._stamp_file()
        return stamp.is_file() and stamp.read_text(encoding="utf-8") == self._stamp(tools)

    def initialise(self, terraform: Terraform, tools: Toolchain, reporter: Reporter) -> None:
        """Run `init` unless the last one still holds.

        Raises:
            FailedError: Terraform refused, or a provider could not be had.
            MissingError: the mirror lacks a locked provider.
        """
        if self.is_initialised(tools):
            return
        reporter.step(f"initialising {tools.product} {tools.version} for the {self.layer} layer")
        write_atomically(self.files.backend, self.backend())
        log = self.files.log("init")
        code = terraform.run(
            "init",
            log=log,
            backend_config=str(self.files.backend),
            reconfigure=FLAG,
            input=False,
            no_color=FLAG,
            lockfile="readonly" if self._locked(tools) else None,
        )
        if code != 0:
            self._require_locked(tools, log)
            raise FailedError(f"terraform init of the {self.layer} layer failed:\n{said(log)}", hints=["glue doctor"])
        write_atomically(self._stamp_file(), self._stamp(tools))

    def _locked(self, tools: Toolchain) -> tuple[LockedProvider, ...]:
        """The locked providers that `tools` would take: each product has a registry of its own."""
        everyone = read_lock(self.files.root_module)
        return tuple(one for one in everyone if one.source.startswith(f"{tools.registry}/"))

    def _require_locked(self, tools: Toolchain, log: Path) -> None:
        """Say of a failed `init` if the cause is a mirror that holds other providers than those locked.

        Raises:
            MissingError: it is.
        """
        folder = mirror(self.project)
        reason = lacking(folder, self._locked(tools), platform_name()) if folder else None
        if reason:
            raise MissingError(
                f"{reason}\n{said(log)}",
                hints=[f"name a mirror with the locked build: {MIRROR_SETTING}=…", "glue doctor"],
            )

    def _stamp_file(self) -> Path:
        return self.files.data_dir / "glue-init-stamp"

    def _stamp(self, tools: Toolchain) -> str:
        parts = [
            self.backend(),
            self.code_digest(),
            tools.version,
            str(tools.path),
            str(cli_configuration(self.project)),
        ]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def _environment(self) -> dict[str, str]:
        unwanted = _INPUT_VARIABLES + (_REAL_CREDENTIALS if self.cloud.endpoint_url else ())
        environment = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
        environment |= self.cloud.variables()
        environment |= {"TF_DATA_DIR": str(self.files.data_dir), "TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"}
        configuration = cli_configuration(self.project)
        if configuration:
            environment["TF_CLI_CONFIG_FILE"] = str(configuration)
        elif "TF_PLUGIN_CACHE_DIR" not in environment:
            cache = self.project.work_dir / "providers"
            cache.mkdir(parents=True, exist_ok=True)
            environment["TF_PLUGIN_CACHE_DIR"] = str(cache)
        return environment
