"""What stops a deployment, in AWS's words: the text becomes the endpoint's `FailureReason`."""


class DeploymentError(Exception):
    """A fleet could not be brought into service. `reason` is for the user of the API, without secrets."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def failed_ping(variant: str, detail: str = "") -> DeploymentError:
    """The container exited, or did not answer `/ping` in time. `detail` says what it raised, which AWS does not."""
    return DeploymentError(
        f"The primary container for production variant {variant} did not pass the ping health check. "
        "Please check CloudWatch logs for this endpoint." + (f" ({detail})" if detail else "")
    )


def missing_image(variant: str, detail: str) -> DeploymentError:
    """The image is not in the registry. AWS gives the first sentence only; `detail` says what is missing."""
    return DeploymentError(
        f"Please make sure all images included in the model for the production variant {variant} exist, and that the "
        f"execution role used to create the model has permissions to access them. ({detail})"
    )


def missing_model_data(variant: str, url: str, detail: str) -> DeploymentError:
    """The model artifact could not be fetched or unpacked. AWS gives no more than the first two sentences."""
    return DeploymentError(
        f'Failed to download model data for container "container_1" of variant "{variant}" from URL: "{url}". '
        "Please ensure that there is an object located at the URL and that the role passed to CreateModel has "
        f"permissions to download the object. ({detail})"
    )


def refused_topic(role: str, topic: str) -> DeploymentError:
    """The test notification could not be published."""
    return DeploymentError(
        f"The provided role '{role}' is invalid. Please ensure the role exists, that its trust relationship policy "
        'allows the action "sts:AssumeRole" for the service principal "sagemaker.amazonaws.com", and has "sns:Publish" '
        f'permissions for topic "{topic}".'
    )


def internal_error(detail: str) -> DeploymentError:
    """The machine that the local cloud runs on is in the way. AWS gives no detail."""
    return DeploymentError(f"InternalServerError: the deployment failed: {detail}")
