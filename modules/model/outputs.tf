output "name" {
  description = "Name of the model. It changes whenever the content does."
  value       = aws_sagemaker_model.this.name
}

output "execution_role_arn" {
  description = "ARN of the execution role."
  value       = aws_iam_role.this.arn
}

output "environment" {
  description = "Environment variables of the container, complete."
  value       = local.environment
}
