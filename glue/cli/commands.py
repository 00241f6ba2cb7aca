"""The list of commands. Importing this module registers them."""

from glue.cli import artifact, demo, doctor, env, fault, image, invoke, local, promote, terraform, verify

__all__ = ["artifact", "demo", "doctor", "env", "fault", "image", "invoke", "local", "promote", "terraform", "verify"]
