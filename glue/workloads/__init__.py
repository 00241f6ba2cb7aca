"""Workloads: what a folder of `container/workloads` holds, and what it promises."""

from glue.workloads.manifest import ARCHIVE_MANIFEST, HANDLER, ContainerNeeds, Workload, load_workload, workload_names

__all__ = ["ARCHIVE_MANIFEST", "HANDLER", "ContainerNeeds", "Workload", "load_workload", "workload_names"]
