"""ECR: images that can be pushed and pulled."""
