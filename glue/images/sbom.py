"""The bill of materials of an image: what its distribution and Python say is installed, as CycloneDX.

BuildKit's own lies in an attestation, which makes an image an index: SageMaker takes none.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from glue.engines import Engine
from glue.errors import FailedError

_OF_ONE = """
import importlib.metadata, json, platform
found = [["pypi", "", one.metadata["Name"], one.version] for one in importlib.metadata.distributions()]
print(json.dumps([["generic", "", "python", platform.python_version()], *found]))
"""
"""What one interpreter says of itself. One that was built from source is in no list of the distribution's."""

_LISTING = """
import json, os, platform, re, subprocess, sys

def said(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout

found = []
for folder in os.environ["PATH"].split(os.pathsep):
    for name in os.listdir(folder) if os.path.isdir(folder) else ():
        if re.fullmatch(r"python3(\\.\\d+)?", name):
            found += json.loads(said(os.path.join(folder, name), "-I", "-c", sys.argv[1]))
try:
    namespace = platform.freedesktop_os_release()["ID"]
    lines = said("dpkg-query", "-W", "-f", "${Package} ${Version}\\n").splitlines()
    found += [["deb", namespace, *line.split(" ", 1)] for line in lines]
except FileNotFoundError:
    pass
print(json.dumps(found))
"""
"""All interpreters that a program of the image can start, and what the distribution has installed."""


@dataclass(frozen=True, order=True)
class Package:
    """A package by the parts of its URL: `kind` is `pypi`, `deb` or `generic`, `namespace` a distribution or empty."""

    kind: str
    namespace: str
    name: str
    version: str


def installed(engine: Engine, image: str) -> list[Package]:
    """The packages in `image`, sorted: of every Python on its path, these themselves, and of its distribution.

    Raises:
        FailedError: the image has no Python that would list them.
    """
    text = engine.run_once(image, "python", ["-I", "-c", _LISTING, _OF_ONE])
    try:
        return sorted({Package(*entry) for entry in json.loads(text)})
    except (ValueError, TypeError) as error:
        raise FailedError(f"{image}: its list of packages is not understood: {text[:200]!r}") from error


def document(packages: Iterable[Package], name: str, version: str) -> str:
    """`packages` as the bill of materials of the image `name`, in CycloneDX 1.6 JSON.

    It has no time and no random number: the same packages give the same text.
    """
    from cyclonedx.model.bom import Bom  # noqa: PLC0415 - heavy, and only builds need it
    from cyclonedx.model.component import Component, ComponentType  # noqa: PLC0415
    from cyclonedx.output.json import JsonV1Dot6  # noqa: PLC0415
    from packageurl import PackageURL  # noqa: PLC0415

    bom = Bom()
    bom.metadata.component = Component(name=name, version=version, type=ComponentType.CONTAINER, bom_ref=name)
    listed = []
    for package in packages:
        url = PackageURL(package.kind, package.namespace or None, package.name, package.version)
        listed.append(
            Component(
                name=package.name, version=package.version, type=ComponentType.LIBRARY, purl=url, bom_ref=str(url)
            )
        )
    bom.components.update(listed)
    bom.register_dependency(bom.metadata.component, listed)
    made = json.loads(JsonV1Dot6(bom).output_as_string())
    made.pop("serialNumber", None)
    made["metadata"].pop("timestamp", None)
    return json.dumps(made, indent=2, sort_keys=True) + "\n"
