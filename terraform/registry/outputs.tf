output "repositories" {
  description = "The repository of each workload: `name`, `arn` and `url`."
  value       = module.repository
}

output "artifact_bucket" {
  description = "The bucket of the model artifacts: `name` and `arn`."
  value       = module.artifacts
}

output "access_log_bucket" {
  description = "Name of the bucket of the access logs, or null."
  value       = one(module.access_logs[*].name)
}

output "image_replication" {
  description = "Where images are copied to: `<region> <account>` of each."
  value       = flatten(module.image_replication[*].destinations)
}
