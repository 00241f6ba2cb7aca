"""The labels of an image: where it came from and what it is for.

The first four are those of the OCI Image Specification ("Pre-Defined Annotation Keys").
"""

TITLE = "org.opencontainers.image.title"
VERSION = "org.opencontainers.image.version"
REVISION = "org.opencontainers.image.revision"
DESCRIPTION = "org.opencontainers.image.description"
WORKLOAD = "io.async-inference.workload"
MODEL = "io.async-inference.model"
"""`bundled`, or `mounted` for a model that the instance fetches."""

REQUIRED = (VERSION, REVISION, WORKLOAD, MODEL)
