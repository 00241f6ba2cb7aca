"""SageMaker's control plane and runtime API."""
