"""Environment profiles: what an environment looks like."""

from glue.profiles.loading import environment_names, load_profile, load_profiles
from glue.profiles.models import Endpoint, Profile

__all__ = ["Endpoint", "Profile", "environment_names", "load_profile", "load_profiles"]
