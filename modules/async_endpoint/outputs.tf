output "name" {
  description = "Name of the endpoint."
  value       = aws_sagemaker_endpoint.this.name
}

output "arn" {
  description = "ARN of the endpoint."
  value       = aws_sagemaker_endpoint.this.arn
}

output "config_name" {
  description = "Name of the endpoint configuration that the endpoint runs."
  value       = aws_sagemaker_endpoint_configuration.this.name
}

output "variant_name" {
  description = "Name of the variant."
  value       = var.variant_name
}

output "log_group" {
  description = "Name of the log group of the containers."
  value       = aws_cloudwatch_log_group.this.name
}

output "scalable_resource_id" {
  description = "What scales: `endpoint/<endpoint>/variant/<variant>`. Unknown while the endpoint or its instance type is replaced, so that the scalable target is registered anew."
  value       = "endpoint/${aws_sagemaker_endpoint.this.id}/variant/${terraform_data.scalable_variant.output}"
}
