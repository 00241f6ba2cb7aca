locals {
  target = one(concat(aws_appautoscaling_target.this, aws_appautoscaling_target.scheduled))
}

# Who owns the bounds: Terraform, or the schedules, which change them in a registered target. Replaced when the owner (or
# where the schedules begin) changes, and with it goes all that depends on it: the former target is deregistered before
# the next is registered.
resource "terraform_data" "scalable" {
  input            = var.resource_id
  triggers_replace = length(var.schedules) == 0 ? null : var.capacity
}

resource "aws_appautoscaling_target" "this" {
  count = length(var.schedules) == 0 ? 1 : 0

  service_namespace  = "sagemaker"
  scalable_dimension = "sagemaker:variant:DesiredInstanceCount"
  resource_id        = terraform_data.scalable.output
  min_capacity       = var.capacity.min
  max_capacity       = var.capacity.max
}

# An apply between two schedules must not set the bounds back.
resource "aws_appautoscaling_target" "scheduled" {
  count = length(var.schedules) == 0 ? 0 : 1

  service_namespace  = "sagemaker"
  scalable_dimension = "sagemaker:variant:DesiredInstanceCount"
  resource_id        = terraform_data.scalable.output
  min_capacity       = var.capacity.min
  max_capacity       = var.capacity.max

  lifecycle {
    ignore_changes = [min_capacity, max_capacity]
  }
}

resource "aws_appautoscaling_scheduled_action" "this" {
  for_each = var.schedules

  name               = "${var.endpoint_name}-${each.key}"
  service_namespace  = local.target.service_namespace
  scalable_dimension = local.target.scalable_dimension
  resource_id        = local.target.resource_id
  schedule           = each.value.schedule
  timezone           = each.value.timezone

  scalable_target_action {
    min_capacity = each.value.min
    max_capacity = each.value.max
  }
}

# Follows the load while there are instances. InvocationsPerInstance is never published for asynchronous endpoints.
resource "aws_appautoscaling_policy" "backlog" {
  name               = "${var.endpoint_name}-backlog-per-instance"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = local.target.service_namespace
  scalable_dimension = local.target.scalable_dimension
  resource_id        = local.target.resource_id

  target_tracking_scaling_policy_configuration {
    target_value       = var.backlog_per_instance
    scale_in_cooldown  = var.cooldowns.scale_in
    scale_out_cooldown = var.cooldowns.scale_out

    customized_metric_specification {
      namespace   = "AWS/SageMaker"
      metric_name = "ApproximateBacklogSizePerInstance"
      statistic   = "Average"

      dimensions {
        name  = "EndpointName"
        value = var.endpoint_name
      }
    }
  }
}

# Leaves zero: without instances there is no backlog per instance to track.
resource "aws_appautoscaling_policy" "wake" {
  name               = "${var.endpoint_name}-wake-from-zero"
  policy_type        = "StepScaling"
  service_namespace  = local.target.service_namespace
  scalable_dimension = local.target.scalable_dimension
  resource_id        = local.target.resource_id

  step_scaling_policy_configuration {
    adjustment_type         = "ChangeInCapacity"
    metric_aggregation_type = "Average"
    cooldown                = var.cooldowns.scale_out

    step_adjustment {
      metric_interval_lower_bound = 0
      scaling_adjustment          = 1
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "backlog_without_capacity" {
  alarm_name          = "${var.endpoint_name}-has-backlog-without-capacity"
  alarm_description   = "Requests wait for ${var.endpoint_name} and it has no instance: adds one."
  namespace           = "AWS/SageMaker"
  metric_name         = "HasBacklogWithoutCapacity"
  dimensions          = { EndpointName = var.endpoint_name }
  statistic           = "Average"
  period              = 60
  evaluation_periods  = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 1
  treat_missing_data  = "missing"
  alarm_actions       = [aws_appautoscaling_policy.wake.arn]
}
