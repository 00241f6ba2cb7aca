output "resource_id" {
  description = "The registered scalable target's resource id."
  value       = local.target.resource_id
}

output "policy_arns" {
  description = "ARNs of the scaling policies: `backlog` tracks the load, `wake` leaves zero."
  value = {
    backlog = aws_appautoscaling_policy.backlog.arn
    wake    = aws_appautoscaling_policy.wake.arn
  }
}

output "wake_alarm_name" {
  description = "Name of the alarm that adds the first instance."
  value       = aws_cloudwatch_metric_alarm.backlog_without_capacity.alarm_name
}
