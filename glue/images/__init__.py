"""Container images, and images that hold a program without an operating system (*process images*)."""

from glue.images.ecr import push
from glue.images.oci import Image, write_layout
from glue.images.process_images import build_process_image

__all__ = ["Image", "build_process_image", "push", "write_layout"]
