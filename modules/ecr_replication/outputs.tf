output "destinations" {
  description = "Where images are copied to: `<region> <account>` of each."
  value       = sort([for one in aws_ecr_replication_configuration.this.replication_configuration[0].rule[0].destination : "${one.region} ${one.registry_id}"])
}
