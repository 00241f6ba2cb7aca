"""Whether a deployed environment does what its release promises."""

from glue.checks.verification import keep, subjects, verify

__all__ = ["keep", "subjects", "verify"]
