resource "aws_appautoscaling_target" "this" {
  service_namespace  = "sagemaker"
  scalable_dimension = "sagemaker:variant:DesiredInstanceCount"
  resource_id        = var.resource_id
  min_capacity       = var.capacity.min
  max_capacity       = var.capacity.max
}

# Follows the load while there are instances. InvocationsPerInstance is never published for asynchronous endpoints.
resource "aws_appautoscaling_policy" "backlog" {
  name               = "${var.endpoint_name}-backlog-per-instance"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.this.service_namespace
  scalable_dimension = aws_appautoscaling_target.this.scalable_dimension
  resource_id        = aws_appautoscaling_target.this.resource_id

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
  service_namespace  = aws_appautoscaling_target.this.service_namespace
  scalable_dimension = aws_appautoscaling_target.this.scalable_dimension
  resource_id        = aws_appautoscaling_target.this.resource_id

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
