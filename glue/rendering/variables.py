"""The variables of the Terraform root modules, made from a profile and a release: pure data."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from glue.cloud import Cloud
from glue.functions import Package
from glue.profiles import Profile
from glue.profiles.models import Endpoint, Notifications, document
from glue.releases import EndpointRelease, Release


def registry_variables(profile: Profile, cloud: Cloud, sharing: Iterable[Profile]) -> dict[str, Any]:
    """Variables of `terraform/registry`, the layer that all environments of an account share.

    Args:
        sharing: the profiles of all environments in the same account and region with the same name prefix.
    """
    profiles = [profile, *sharing]
    return {
        "region": profile.region,
        "account_id": profile.account_id,
        "name_prefix": profile.name_prefix,
        "tags": profile.tags | {"owner": profile.owner, "managed-by": "glue"},
        "s3_use_path_style": cloud.path_style,
        "force_destroy": all(one.force_destroy for one in profiles),
        "deletion_protection": any(one.deletion_protection for one in profiles),
        "workloads": sorted({workload for one in profiles for workload in one.workloads}),
        "consumer_account_ids": sorted({account for one in profiles for account in one.consumer_account_ids}),
        "image_replication": _image_replication(profiles),
        "access_log_retention_days": _longest(one.access_log_retention_days for one in profiles),
        "abort_uploads_days": _longest(one.abort_uploads_days for one in profiles),
    }


def platform_variables(
    profile: Profile, cloud: Cloud, release: Release, *, upload_trigger: Package | None = None
) -> dict[str, Any]:
    """Variables of `terraform/platform`: what one environment runs, by digest.

    `upload_trigger` is the function's package, which it takes for an endpoint with a trigger.

    `release` must have an entry for each of the profile's endpoints (see `glue.releases.require_complete`).
    """
    return {
        "environment": profile.environment,
        "region": profile.region,
        "account_id": profile.account_id,
        "name_prefix": profile.name_prefix,
        "owner": profile.owner,
        "tags": profile.tags | {"owner": profile.owner, "environment": profile.environment, "managed-by": "glue"},
        "s3_use_path_style": cloud.path_style,
        "deletion_protection": profile.deletion_protection,
        "force_destroy": profile.force_destroy,
        "kms": document(profile.kms),
        "vpc": document(profile.vpc) if profile.vpc else None,
        "notifications": _notifications(profile.notifications),
        "alarm_recipients": document(profile.told_of_alarms),
        "budget_usd": profile.budget_usd,
        "log_retention_days": profile.log_retention_days,
        "data_expiry": _expiry(profile),
        "abort_uploads_days": profile.abort_uploads_days,
        "access_log_retention_days": profile.access_log_retention_days,
        "upload_trigger_package": upload_trigger.variables() if upload_trigger else None,
        "endpoints": {
            key: {**_endpoint(endpoint, release.endpoints[key]), "trigger": _trigger(profile, key)}
            for key, endpoint in sorted(profile.endpoints.items())
        },
    }


def _image_replication(profiles: Iterable[Profile]) -> list[Mapping[str, Any]]:
    """Where any of `profiles` wants images copied to, each place once."""
    places = {
        (one.region, one.account_id or profile.account_id) for profile in profiles for one in profile.image_replication
    }
    return [{"region": region, "account_id": account} for region, account in sorted(places)]


def _notifications(notifications: Notifications) -> Mapping[str, Any]:
    policies = document(notifications.filter_policies)
    return {
        **document(notifications),
        "filter_policies": {kind: policy and json.dumps(policy, sort_keys=True) for kind, policy in policies.items()},
    }


def _expiry(profile: Profile) -> Mapping[str, Any]:
    """Days by the prefix in the data bucket, and of versions that nobody sees any more."""
    days = profile.data_expiry_days
    if days is None:
        return {}
    kinds = {"inputs": days.inputs, "results": days.results, "failures": days.failures, "receipts": days.uploads}
    by_prefix = {f"{key}/{folder}/": kept for key in profile.endpoints for folder, kept in kinds.items()}
    by_prefix |= {prefix: days.uploads for key in profile.endpoints if (prefix := profile.upload_prefix(key))}
    by_prefix[""] = days.others
    return {
        "days_by_prefix": {prefix: kept for prefix, kept in sorted(by_prefix.items()) if kept is not None},
        "noncurrent_days": days.noncurrent,
    }


def _longest(days: Iterable[int | None]) -> int | None:
    return max((count for count in days if count is not None), default=None)


def _endpoint(endpoint: Endpoint, release: EndpointRelease) -> Mapping[str, Any]:
    return {
        "workload": endpoint.workload,
        "instance_type": endpoint.instance_type,
        # Each change of the configuration sets the number of instances back to this.
        "initial_instance_count": max(1, endpoint.autoscaling.min),
        "image": release.image,
        "model": _model(endpoint, release),
        "environment": endpoint.environment,
        "timeouts": document(endpoint.timeouts),
        "allow_short_timeouts": endpoint.allow_short_timeouts,
        "max_concurrent_invocations": endpoint.max_concurrent_invocations,
        "workers": endpoint.workers,
        "autoscaling": document(endpoint.autoscaling),
        "include_response_in_notifications": endpoint.include_response_in_notifications,
        "network_isolation": _isolated(endpoint, release),
        "deployment": document(endpoint.deployment),
        "alarms": document(endpoint.alarms),
    }


def _isolated(endpoint: Endpoint, release: EndpointRelease) -> bool:
    asked = endpoint.network_isolation
    return not release.needs_network if asked is None else asked


def _model(endpoint: Endpoint, release: EndpointRelease) -> Mapping[str, Any]:
    if endpoint.model.source == "bundled" or release.artifact is None:
        return {"source": "bundled", "uri": None}
    return {"source": release.artifact.form, "uri": release.artifact.uri}


def _trigger(profile: Profile, key: str) -> Mapping[str, Any] | None:
    trigger = profile.endpoints[key].trigger
    return {**document(trigger), "prefix": profile.upload_prefix(key)} if trigger else None
