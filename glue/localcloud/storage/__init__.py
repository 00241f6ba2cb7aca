"""S3, where moto's falls short."""
