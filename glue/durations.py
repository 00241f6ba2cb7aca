"""How many seconds things take at most unless something else is said: here for options, which import nothing heavy."""

BUILD_SECONDS = 1800.0
"""The build of an image."""

TRANSFER_SECONDS = 3600.0
"""A push or a pull: images with weights have tens of gigabytes."""

OBSERVE_SECONDS = 40.0
"""How long a container is watched: longer than what gives up after 30 s."""
