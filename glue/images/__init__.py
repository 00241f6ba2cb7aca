"""Container images, and images that hold a program without an operating system (*process images*)."""

from glue.images.build import build
from glue.images.ecr import push
from glue.images.oci import Image, write_layout

__all__ = ["Image", "build", "push", "write_layout"]
