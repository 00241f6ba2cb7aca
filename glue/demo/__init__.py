"""The demonstration: from nothing to a verified endpoint, and its answer to a blueprint."""
