"""A truthful HTTP server for SageMaker inference containers."""
