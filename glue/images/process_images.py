"""Building a process image: the serving program and the lock of what it needs, without an operating system.

It needs no container engine. A cloud that runs such images makes the environment from the lock itself.
"""

import io
from pathlib import Path

from glue.archives import ArchiveWriter
from glue.images.context import program_files
from glue.images.oci import PROCESS_RUNTIME, RUNTIME_LABEL, Image, Layer, image
from glue.progress import Reporter
from glue.workloads import Workload
from glue.workloads.requirements import read_lock

_PROGRAM = "opt/program"


def build_process_image(workload: Workload, serving_dir: Path, reporter: Reporter) -> Image:
    """The process image of `workload`, with the server from the project in `serving_dir`.

    The same sources give the same digest on any machine.

    Raises:
        UsageError: the server's package is not there, or the workload's requirements are not locked.
    """
    reporter.step(f"building the image of {workload.name} {workload.version}")
    read_lock(workload.requirements)
    made = image(
        [_layer(workload, serving_dir)],
        version=workload.version,
        entrypoint=["python", "-m", "serving"],
        command=["serve"],
        labels={
            RUNTIME_LABEL: PROCESS_RUNTIME,
            "org.opencontainers.image.title": workload.name,
            "org.opencontainers.image.version": workload.version,
        },
    )
    reporter.note(f"{made.digest}, {sum(len(layer.data) for layer in made.layers)} bytes")
    return made


def _layer(workload: Workload, serving_dir: Path) -> Layer:
    files = {f"{_PROGRAM}/requirements.lock": workload.requirements}
    files |= {f"{_PROGRAM}/{path}": file for path, file in program_files(serving_dir)}
    out = io.BytesIO()
    with ArchiveWriter(out) as archive:
        for path, file in sorted(files.items()):
            archive.add(path, file)
    return Layer(out.getvalue(), archive.tar_sha256)
