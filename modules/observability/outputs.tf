output "topic_arn" {
  description = "ARN of the topic that alarms and budget publish to. Alarms of other modules may use it too."
  value       = local.topic_arn
}

output "alarm_names" {
  description = "Names of the alarms by endpoint key."
  value       = local.alarm_names
}

output "dashboard_names" {
  description = "Names of the dashboards by endpoint key."
  value       = { for key, dashboard in aws_cloudwatch_dashboard.this : key => dashboard.dashboard_name }
}
