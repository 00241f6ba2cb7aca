mock_provider "aws" {
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_region" {
    defaults = { id = "eu-west-1", name = "eu-west-1" }
  }

  # The provider checks that a policy is JSON; what it says is asserted on the statements.
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }

  mock_resource "aws_appautoscaling_policy" {
    defaults = { arn = "arn:aws:autoscaling:eu-west-1:111122223333:scalingPolicy:11111111-2222-3333-4444-555555555555" }
  }
}

variables {
  endpoint_name        = "platform-dev-rooms"
  resource_id          = "endpoint/platform-dev-rooms/variant/AllTraffic"
  capacity             = { min = 0, max = 3 }
  backlog_per_instance = 2.5
  cooldowns            = { scale_in = 300, scale_out = 60 }
}

run "the_instances_may_go_to_zero" {
  command = plan

  assert {
    condition     = aws_appautoscaling_target.this[0].min_capacity == 0 && aws_appautoscaling_target.this[0].max_capacity == 3
    error_message = "The bounds are not 0 and 3."
  }

  assert {
    condition     = aws_appautoscaling_target.this[0].service_namespace == "sagemaker" && aws_appautoscaling_target.this[0].scalable_dimension == "sagemaker:variant:DesiredInstanceCount"
    error_message = "What scales is not the number of instances of a variant."
  }

  assert {
    condition     = terraform_data.scalable.input == "endpoint/platform-dev-rooms/variant/AllTraffic"
    error_message = "What scales is not the variant of the endpoint."
  }
}

run "the_backlog_per_instance_is_tracked" {
  command = plan

  assert {
    condition     = aws_appautoscaling_policy.backlog.policy_type == "TargetTrackingScaling"
    error_message = "The policy does not track a target."
  }

  assert {
    condition     = aws_appautoscaling_policy.backlog.target_tracking_scaling_policy_configuration[0].target_value == 2.5
    error_message = "The target is not the backlog per instance."
  }

  assert {
    condition     = aws_appautoscaling_policy.backlog.target_tracking_scaling_policy_configuration[0].scale_in_cooldown == 300
    error_message = "The cooldown before scale-in is not used."
  }

  assert {
    condition     = aws_appautoscaling_policy.backlog.target_tracking_scaling_policy_configuration[0].scale_out_cooldown == 60
    error_message = "The cooldown before scale-out is not used."
  }

  assert {
    condition     = [for metric in aws_appautoscaling_policy.backlog.target_tracking_scaling_policy_configuration[0].customized_metric_specification : "${metric.namespace} ${metric.metric_name} ${metric.statistic}"] == ["AWS/SageMaker ApproximateBacklogSizePerInstance Average"]
    error_message = "The metric is not one that asynchronous endpoints publish."
  }

  assert {
    condition     = [for dimension in one(aws_appautoscaling_policy.backlog.target_tracking_scaling_policy_configuration[0].customized_metric_specification).dimensions : "${dimension.name} ${dimension.value}"] == ["EndpointName platform-dev-rooms"]
    error_message = "The metric has other dimensions than the name of the endpoint."
  }
}

run "the_first_request_wakes_an_endpoint_without_instances" {
  command = apply

  assert {
    condition     = aws_appautoscaling_policy.wake.policy_type == "StepScaling"
    error_message = "The policy does not take a step."
  }

  assert {
    condition     = aws_appautoscaling_policy.wake.step_scaling_policy_configuration[0].adjustment_type == "ChangeInCapacity"
    error_message = "The step is no change in capacity."
  }

  assert {
    condition     = [for step in aws_appautoscaling_policy.wake.step_scaling_policy_configuration[0].step_adjustment : step.scaling_adjustment] == [1]
    error_message = "The step is not one instance."
  }

  assert {
    condition     = [for step in aws_appautoscaling_policy.wake.step_scaling_policy_configuration[0].step_adjustment : tonumber(step.metric_interval_lower_bound)] == [0]
    error_message = "The step does not begin at the threshold of the alarm."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.backlog_without_capacity.namespace == "AWS/SageMaker" && aws_cloudwatch_metric_alarm.backlog_without_capacity.metric_name == "HasBacklogWithoutCapacity"
    error_message = "The alarm watches another metric."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.backlog_without_capacity.dimensions == tomap({ EndpointName = "platform-dev-rooms" })
    error_message = "The alarm watches another dimension."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.backlog_without_capacity.statistic == "Average" && aws_cloudwatch_metric_alarm.backlog_without_capacity.period == 60 && aws_cloudwatch_metric_alarm.backlog_without_capacity.threshold == 1
    error_message = "The alarm is not: an average of 1 in a minute."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.backlog_without_capacity.comparison_operator == "GreaterThanOrEqualToThreshold"
    error_message = "An average of 1 would not be enough."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.backlog_without_capacity.treat_missing_data == "missing"
    error_message = "Missing data count as something."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.backlog_without_capacity.alarm_actions == toset([aws_appautoscaling_policy.wake.arn])
    error_message = "The alarm does not take the step."
  }
}

run "both_policies_stay_when_the_endpoint_keeps_instances" {
  command = plan

  variables {
    capacity = { min = 1, max = 1 }
  }

  assert {
    condition     = aws_appautoscaling_target.this[0].min_capacity == 1
    error_message = "The lower bound is not 1."
  }

  assert {
    condition     = aws_appautoscaling_policy.wake.policy_type == "StepScaling"
    error_message = "There is no policy that leaves zero."
  }
}

run "without_a_schedule_terraform_owns_the_bounds" {
  command = plan

  assert {
    condition     = length(aws_appautoscaling_target.scheduled) == 0 && length(aws_appautoscaling_scheduled_action.this) == 0
    error_message = "There is a schedule."
  }

  assert {
    condition     = terraform_data.scalable.triggers_replace == null
    error_message = "Another bound would register the target anew."
  }
}

run "schedules_own_the_bounds_from_where_they_begin" {
  command = plan

  variables {
    schedules = {
      day   = { schedule = "cron(0 7 ? * MON-FRI *)", timezone = "Europe/Berlin", min = 2, max = 6 }
      night = { schedule = "cron(0 19 ? * MON-FRI *)", min = 0, max = 1 }
    }
  }

  assert {
    condition     = length(aws_appautoscaling_target.this) == 0 && length(aws_appautoscaling_target.scheduled) == 1
    error_message = "Terraform would set the bounds back."
  }

  assert {
    condition     = aws_appautoscaling_target.scheduled[0].min_capacity == 0 && aws_appautoscaling_target.scheduled[0].max_capacity == 3
    error_message = "The target does not begin with the capacity."
  }

  assert {
    condition = { for key, one in aws_appautoscaling_scheduled_action.this : key => "${one.name} ${one.schedule} ${one.timezone} ${one.scalable_target_action[0].min_capacity}-${one.scalable_target_action[0].max_capacity}" } == {
      day   = "platform-dev-rooms-day cron(0 7 ? * MON-FRI *) Europe/Berlin 2-6"
      night = "platform-dev-rooms-night cron(0 19 ? * MON-FRI *) UTC 0-1"
    }
    error_message = "The schedules are others."
  }

  assert {
    condition     = terraform_data.scalable.triggers_replace == var.capacity
    error_message = "Other bounds to begin with would be ignored."
  }
}

run "a_schedule_with_a_blank_in_its_name_is_refused" {
  command         = plan
  expect_failures = [var.schedules]

  variables {
    schedules = { "by day" = { schedule = "rate(1 day)", min = 0, max = 1 } }
  }
}

run "a_cron_of_five_fields_is_refused" {
  command         = plan
  expect_failures = [var.schedules]

  variables {
    schedules = { day = { schedule = "cron(0 7 * * MON)", min = 0, max = 1 } }
  }
}

run "an_offset_for_a_time_zone_is_refused" {
  command         = plan
  expect_failures = [var.schedules]

  variables {
    schedules = { day = { schedule = "rate(1 day)", timezone = "+02:00", min = 0, max = 1 } }
  }
}

run "a_negative_minimum_of_a_schedule_is_refused" {
  command         = plan
  expect_failures = [var.schedules]

  variables {
    schedules = { day = { schedule = "rate(1 day)", min = -1, max = 1 } }
  }
}

run "a_maximum_of_zero_of_a_schedule_is_refused" {
  command         = plan
  expect_failures = [var.schedules]

  variables {
    schedules = { day = { schedule = "rate(1 day)", min = 0, max = 0 } }
  }
}

run "a_minimum_above_the_maximum_of_a_schedule_is_refused" {
  command         = plan
  expect_failures = [var.schedules]

  variables {
    schedules = { day = { schedule = "rate(1 day)", min = 3, max = 2 } }
  }
}

run "an_endpoint_name_with_an_underscore_is_refused" {
  command         = plan
  expect_failures = [var.endpoint_name]

  variables {
    endpoint_name = "platform_dev"
  }
}

run "a_resource_id_without_a_variant_is_refused" {
  command         = plan
  expect_failures = [var.resource_id]

  variables {
    resource_id = "endpoint/platform-dev-rooms"
  }
}

run "a_negative_minimum_is_refused" {
  command         = plan
  expect_failures = [var.capacity]

  variables {
    capacity = { min = -1, max = 1 }
  }
}

run "a_broken_minimum_is_refused" {
  command         = plan
  expect_failures = [var.capacity]

  variables {
    capacity = { min = 0.5, max = 1 }
  }
}

run "a_maximum_of_zero_is_refused" {
  command         = plan
  expect_failures = [var.capacity]

  variables {
    capacity = { min = 0, max = 0 }
  }
}

run "a_minimum_above_the_maximum_is_refused" {
  command         = plan
  expect_failures = [var.capacity]

  variables {
    capacity = { min = 3, max = 2 }
  }
}

run "a_target_of_no_backlog_is_refused" {
  command         = plan
  expect_failures = [var.backlog_per_instance]

  variables {
    backlog_per_instance = 0
  }
}

run "a_negative_cooldown_is_refused" {
  command         = plan
  expect_failures = [var.cooldowns]

  variables {
    cooldowns = { scale_in = -1, scale_out = 0 }
  }
}

run "capacity_of_nothing_is_refused" {
  command         = plan
  expect_failures = [var.capacity]

  variables {
    capacity = { min = null, max = null }
  }
}

run "a_fewest_of_nothing_is_refused" {
  command         = plan
  expect_failures = [var.capacity]

  variables {
    capacity = { min = null, max = 1 }
  }
}

run "cooldowns_of_nothing_are_refused" {
  command         = plan
  expect_failures = [var.cooldowns]

  variables {
    cooldowns = { scale_in = null, scale_out = null }
  }
}

run "a_schedule_of_nothing_is_refused" {
  command         = plan
  expect_failures = [var.schedules]

  variables {
    schedules = { day = { schedule = null, min = null, max = null } }
  }
}
