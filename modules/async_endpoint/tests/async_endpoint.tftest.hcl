mock_provider "aws" {}

variables {
  name                       = "platform-dev-rooms"
  model_name                 = "platform-dev-rooms-01234567"
  instance_type              = "ml.m5.xlarge"
  timeouts                   = { startup = 600, model_download = 1200 }
  max_concurrent_invocations = 4

  output = {
    results_uri  = "s3://platform-data/rooms/results/"
    failures_uri = "s3://platform-data/rooms/failures/"
  }

  notifications = {
    success_topic_arn = "arn:aws:sns:eu-west-1:111122223333:platform-dev-rooms-success"
    error_topic_arn   = "arn:aws:sns:eu-west-1:111122223333:platform-dev-rooms-error"
  }
}

run "the_variant_runs_the_model_with_its_timeouts" {
  command = plan

  assert {
    condition     = [for variant in aws_sagemaker_endpoint_configuration.this.production_variants : "${variant.variant_name} ${variant.model_name} ${variant.instance_type} ${variant.initial_instance_count}"] == ["AllTraffic platform-dev-rooms-01234567 ml.m5.xlarge 1"]
    error_message = "The variant is another."
  }

  assert {
    condition     = aws_sagemaker_endpoint_configuration.this.production_variants[0].container_startup_health_check_timeout_in_seconds == 600
    error_message = "The timeout of the start is another."
  }

  assert {
    condition     = aws_sagemaker_endpoint_configuration.this.production_variants[0].model_data_download_timeout_in_seconds == 1200
    error_message = "The timeout of the download is another."
  }
}

run "answers_go_to_their_prefixes_and_topics" {
  command = plan

  assert {
    condition     = aws_sagemaker_endpoint_configuration.this.async_inference_config[0].output_config[0].s3_output_path == "s3://platform-data/rooms/results/"
    error_message = "Results go elsewhere."
  }

  assert {
    condition     = aws_sagemaker_endpoint_configuration.this.async_inference_config[0].output_config[0].s3_failure_path == "s3://platform-data/rooms/failures/"
    error_message = "Failures go elsewhere."
  }

  assert {
    condition     = aws_sagemaker_endpoint_configuration.this.async_inference_config[0].output_config[0].notification_config[0].success_topic == var.notifications.success_topic_arn
    error_message = "Results are announced elsewhere."
  }

  assert {
    condition     = aws_sagemaker_endpoint_configuration.this.async_inference_config[0].output_config[0].notification_config[0].error_topic == var.notifications.error_topic_arn
    error_message = "Failures are announced elsewhere."
  }

  assert {
    condition     = aws_sagemaker_endpoint_configuration.this.async_inference_config[0].output_config[0].notification_config[0].include_inference_response_in == null
    error_message = "Messages carry the answer."
  }

  assert {
    condition     = aws_sagemaker_endpoint_configuration.this.async_inference_config[0].client_config[0].max_concurrent_invocations_per_instance == 4
    error_message = "The concurrency is another."
  }
}

run "messages_carry_the_answer_when_asked" {
  command = plan

  variables {
    notifications = {
      success_topic_arn = "arn:aws:sns:eu-west-1:111122223333:platform-dev-rooms-success"
      error_topic_arn   = "arn:aws:sns:eu-west-1:111122223333:platform-dev-rooms-error"
      include_response  = true
    }
  }

  assert {
    condition     = aws_sagemaker_endpoint_configuration.this.async_inference_config[0].output_config[0].notification_config[0].include_inference_response_in == toset(["ERROR_NOTIFICATION_TOPIC", "SUCCESS_NOTIFICATION_TOPIC"])
    error_message = "Not both topics carry it."
  }
}

run "an_update_is_blue_green_and_rolled_back_on_server_errors" {
  command = plan

  variables {
    deployment = { bake_seconds = 120 }
  }

  assert {
    condition     = aws_sagemaker_endpoint.this.deployment_config[0].blue_green_update_policy[0].termination_wait_in_seconds == 120
    error_message = "The former instances do not stay for the bake time."
  }

  assert {
    condition     = aws_sagemaker_endpoint.this.deployment_config[0].blue_green_update_policy[0].traffic_routing_configuration[0].type == "ALL_AT_ONCE"
    error_message = "The traffic moves in another way."
  }

  assert {
    condition     = [for alarm in aws_sagemaker_endpoint.this.deployment_config[0].auto_rollback_configuration[0].alarms : alarm.alarm_name] == ["platform-dev-rooms-deployment-rollback"]
    error_message = "No alarm undoes the update."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.rollback[0].metric_name == "Invocation5XXErrors" && aws_cloudwatch_metric_alarm.rollback[0].namespace == "AWS/SageMaker"
    error_message = "The alarm watches another metric."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.rollback[0].dimensions == tomap({ EndpointName = "platform-dev-rooms", VariantName = "AllTraffic" })
    error_message = "The alarm watches other dimensions."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.rollback[0].treat_missing_data == "notBreaching"
    error_message = "An endpoint without traffic would raise the alarm."
  }
}

run "a_canary_moves_a_part_first" {
  command = plan

  variables {
    initial_instance_count = 4
    deployment             = { strategy = "canary", step_percent = 25, step_interval_seconds = 240, bake_seconds = 60 }
  }

  assert {
    condition     = [for routing in aws_sagemaker_endpoint.this.deployment_config[0].blue_green_update_policy[0].traffic_routing_configuration : "${routing.type} ${routing.wait_interval_in_seconds}"] == ["CANARY 240"]
    error_message = "The traffic moves in another way."
  }

  assert {
    condition     = [for size in aws_sagemaker_endpoint.this.deployment_config[0].blue_green_update_policy[0].traffic_routing_configuration[0].canary_size : "${size.type} ${size.value}"] == ["CAPACITY_PERCENT 25"]
    error_message = "The canary is not a quarter."
  }

  assert {
    condition     = length(aws_sagemaker_endpoint.this.deployment_config[0].blue_green_update_policy[0].traffic_routing_configuration[0].linear_step_size) == 0
    error_message = "A canary has linear steps."
  }

  assert {
    condition     = aws_sagemaker_endpoint.this.deployment_config[0].blue_green_update_policy[0].termination_wait_in_seconds == 60
    error_message = "The former instances do not stay for the bake time."
  }
}

run "a_linear_update_moves_equal_parts" {
  command = plan

  variables {
    initial_instance_count = 10
    deployment             = { strategy = "linear", step_percent = 10, step_interval_seconds = 120 }
  }

  assert {
    condition     = [for routing in aws_sagemaker_endpoint.this.deployment_config[0].blue_green_update_policy[0].traffic_routing_configuration : "${routing.type} ${routing.wait_interval_in_seconds}"] == ["LINEAR 120"]
    error_message = "The traffic moves in another way."
  }

  assert {
    condition     = [for size in aws_sagemaker_endpoint.this.deployment_config[0].blue_green_update_policy[0].traffic_routing_configuration[0].linear_step_size : "${size.type} ${size.value}"] == ["CAPACITY_PERCENT 10"]
    error_message = "The steps are not tenths."
  }

  assert {
    condition     = length(aws_sagemaker_endpoint.this.deployment_config[0].blue_green_update_policy[0].traffic_routing_configuration[0].canary_size) == 0
    error_message = "A linear update has a canary."
  }
}

run "all_at_once_has_no_steps" {
  command = plan

  assert {
    condition     = length(aws_sagemaker_endpoint.this.deployment_config[0].blue_green_update_policy[0].traffic_routing_configuration[0].canary_size) == 0 && length(aws_sagemaker_endpoint.this.deployment_config[0].blue_green_update_policy[0].traffic_routing_configuration[0].linear_step_size) == 0
    error_message = "There is a step."
  }

  assert {
    condition     = aws_sagemaker_endpoint.this.deployment_config[0].blue_green_update_policy[0].traffic_routing_configuration[0].wait_interval_in_seconds == 0
    error_message = "There is a wait although there is no step."
  }
}

run "the_variant_has_its_weight" {
  command = plan

  variables {
    variant_weight = 0.25
  }

  assert {
    condition     = aws_sagemaker_endpoint_configuration.this.production_variants[0].initial_variant_weight == 0.25
    error_message = "The weight is another."
  }
}

run "no_alarm_undoes_an_update_when_not_asked" {
  command = plan

  variables {
    deployment = { rollback_alarms = false }
  }

  assert {
    condition     = length(aws_sagemaker_endpoint.this.deployment_config[0].auto_rollback_configuration) == 0 && length(aws_cloudwatch_metric_alarm.rollback) == 0
    error_message = "There is an alarm."
  }

  assert {
    condition     = length(aws_sagemaker_endpoint.this.deployment_config[0].blue_green_update_policy) == 1
    error_message = "The update is not blue/green."
  }
}

run "logs_go_after_their_time" {
  command = plan

  variables {
    log_retention_days = 14
  }

  assert {
    condition     = aws_cloudwatch_log_group.this.name == "/aws/sagemaker/Endpoints/platform-dev-rooms" && aws_cloudwatch_log_group.this.retention_in_days == 14
    error_message = "The log group is not the one that SageMaker writes to, or has another retention."
  }
}

run "a_key_encrypts_volumes_results_and_logs" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:eu-west-1:111122223333:key/11111111-2222-3333-4444-555555555555"
  }

  assert {
    condition     = aws_sagemaker_endpoint_configuration.this.kms_key_arn == var.kms_key_arn
    error_message = "Volumes are not encrypted with the key."
  }

  assert {
    condition     = aws_sagemaker_endpoint_configuration.this.async_inference_config[0].output_config[0].kms_key_id == var.kms_key_arn
    error_message = "Results are not encrypted with the key."
  }

  assert {
    condition     = aws_cloudwatch_log_group.this.kms_key_id == var.kms_key_arn
    error_message = "Logs are not encrypted with the key."
  }
}

run "an_instance_with_its_own_disk_gets_no_key_for_it" {
  command = plan

  variables {
    instance_type = "ml.g4dn.xlarge"
    kms_key_arn   = "arn:aws:kms:eu-west-1:111122223333:key/11111111-2222-3333-4444-555555555555"
  }

  assert {
    condition     = aws_sagemaker_endpoint_configuration.this.kms_key_arn == null
    error_message = "SageMaker would refuse the configuration."
  }

  assert {
    condition     = aws_sagemaker_endpoint_configuration.this.async_inference_config[0].output_config[0].kms_key_id == var.kms_key_arn
    error_message = "Results are not encrypted with the key."
  }
}

run "the_endpoint_runs_the_planned_configuration" {
  command = apply

  assert {
    condition     = aws_sagemaker_endpoint.this.endpoint_config_name == aws_sagemaker_endpoint_configuration.this.name
    error_message = "The endpoint runs another configuration."
  }

  assert {
    condition     = startswith(aws_sagemaker_endpoint_configuration.this.name_prefix, "platform-dev-rooms-")
    error_message = "The name of the configuration does not begin with the endpoint."
  }

  assert {
    condition     = endswith(output.scalable_resource_id, "/variant/AllTraffic") && startswith(output.scalable_resource_id, "endpoint/")
    error_message = "What scales is not the variant."
  }
}

run "a_name_of_63_characters_leaves_room_for_the_generated_end" {
  command = plan

  variables {
    name = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
  }

  assert {
    condition     = length(aws_sagemaker_endpoint_configuration.this.name_prefix) == 37
    error_message = "The prefix is not as long as the provider allows."
  }
}

run "a_name_with_an_underscore_is_refused" {
  command         = plan
  expect_failures = [var.name]

  variables {
    name = "platform_dev"
  }
}

run "a_name_of_64_characters_is_refused" {
  command         = plan
  expect_failures = [var.name]

  variables {
    name = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
  }
}

run "an_empty_variant_name_is_refused" {
  command         = plan
  expect_failures = [var.variant_name]

  variables {
    variant_name = ""
  }
}

run "a_model_arn_is_refused" {
  command         = plan
  expect_failures = [var.model_name]

  variables {
    model_name = "arn:aws:sagemaker:eu-west-1:111122223333:model/rooms"
  }
}

run "an_instance_type_without_ml_is_refused" {
  command         = plan
  expect_failures = [var.instance_type]

  variables {
    instance_type = "m5.xlarge"
  }
}

run "no_initial_instance_is_refused" {
  command         = plan
  expect_failures = [var.initial_instance_count]

  variables {
    initial_instance_count = 0
  }
}

run "half_an_initial_instance_is_refused" {
  command         = plan
  expect_failures = [var.initial_instance_count]

  variables {
    initial_instance_count = 1.5
  }
}

run "a_start_of_more_than_an_hour_is_refused" {
  command         = plan
  expect_failures = [var.timeouts]

  variables {
    timeouts = { startup = 3601, model_download = 600 }
  }
}

run "a_start_timeout_below_the_floor_is_refused" {
  command         = plan
  expect_failures = [var.timeouts]

  variables {
    timeouts = { startup = 599, model_download = 600 }
  }
}

run "a_download_timeout_below_the_floor_is_refused" {
  command         = plan
  expect_failures = [var.timeouts]

  variables {
    timeouts = { startup = 600, model_download = 599 }
  }
}

run "a_timeout_of_less_than_a_minute_is_refused_even_when_short_ones_are_allowed" {
  command         = plan
  expect_failures = [var.timeouts]

  variables {
    timeouts             = { startup = 59, model_download = 60 }
    allow_short_timeouts = true
  }
}

run "short_timeouts_pass_when_allowed" {
  command = plan

  variables {
    timeouts             = { startup = 60, model_download = 60 }
    allow_short_timeouts = true
  }

  assert {
    condition     = aws_sagemaker_endpoint_configuration.this.production_variants[0].container_startup_health_check_timeout_in_seconds == 60
    error_message = "The timeout is another."
  }
}

run "no_concurrency_is_refused" {
  command         = plan
  expect_failures = [var.max_concurrent_invocations]

  variables {
    max_concurrent_invocations = 0
  }
}

run "a_concurrency_of_1001_is_refused" {
  command         = plan
  expect_failures = [var.max_concurrent_invocations]

  variables {
    max_concurrent_invocations = 1001
  }
}

run "results_without_their_slash_are_refused" {
  command         = plan
  expect_failures = [var.output]

  variables {
    output = { results_uri = "s3://platform-data/rooms/results", failures_uri = "s3://platform-data/rooms/failures/" }
  }
}

run "results_at_a_web_address_are_refused" {
  command         = plan
  expect_failures = [var.output]

  variables {
    output = { results_uri = "https://example.com/results/", failures_uri = "s3://platform-data/rooms/failures/" }
  }
}

run "failures_among_results_are_refused" {
  command         = plan
  expect_failures = [var.output]

  variables {
    output = { results_uri = "s3://platform-data/rooms/", failures_uri = "s3://platform-data/rooms/" }
  }
}

run "a_topic_name_is_refused" {
  command         = plan
  expect_failures = [var.notifications]

  variables {
    notifications = { success_topic_arn = "success", error_topic_arn = "arn:aws:sns:eu-west-1:111122223333:error" }
  }
}

run "a_fifo_topic_is_refused" {
  command         = plan
  expect_failures = [var.notifications]

  variables {
    notifications = { success_topic_arn = "arn:aws:sns:eu-west-1:111122223333:success", error_topic_arn = "arn:aws:sns:eu-west-1:111122223333:error.fifo" }
  }
}

run "a_key_alias_is_refused" {
  command         = plan
  expect_failures = [var.kms_key_arn]

  variables {
    kms_key_arn = "alias/platform"
  }
}

run "a_variant_without_weight_is_refused" {
  command         = plan
  expect_failures = [var.variant_weight]

  variables {
    variant_weight = 0
  }
}

run "an_unknown_strategy_is_refused" {
  command         = plan
  expect_failures = [var.deployment]

  variables {
    deployment = { strategy = "rolling" }
  }
}

run "a_canary_of_more_than_half_is_refused" {
  command         = plan
  expect_failures = [var.deployment]

  variables {
    initial_instance_count = 2
    deployment             = { strategy = "canary", step_percent = 51 }
  }
}

run "linear_steps_of_less_than_a_tenth_are_refused" {
  command         = plan
  expect_failures = [var.deployment]

  variables {
    initial_instance_count = 20
    deployment             = { strategy = "linear", step_percent = 9, step_interval_seconds = 0 }
  }
}

run "a_canary_on_one_instance_is_refused" {
  command         = plan
  expect_failures = [var.deployment]

  variables {
    deployment = { strategy = "canary" }
  }
}

run "a_step_of_less_than_an_instance_is_refused" {
  command         = plan
  expect_failures = [var.deployment]

  variables {
    initial_instance_count = 3
    deployment             = { strategy = "linear", step_percent = 30 }
  }
}

run "an_interval_of_more_than_45_minutes_is_refused" {
  command         = plan
  expect_failures = [var.deployment]

  variables {
    deployment = { step_interval_seconds = 2701 }
  }
}

run "a_bake_of_more_than_45_minutes_is_refused" {
  command         = plan
  expect_failures = [var.deployment]

  variables {
    deployment = { bake_seconds = 2701 }
  }
}

run "linear_steps_that_take_longer_than_an_update_may_are_refused" {
  command         = plan
  expect_failures = [var.deployment]

  variables {
    initial_instance_count = 10
    deployment             = { strategy = "linear", step_percent = 10, step_interval_seconds = 301 }
  }
}

run "a_negative_bake_is_refused" {
  command         = plan
  expect_failures = [var.deployment]

  variables {
    deployment = { bake_seconds = -1 }
  }
}

run "a_retention_that_cloudwatch_has_not_is_refused" {
  command         = plan
  expect_failures = [var.log_retention_days]

  variables {
    log_retention_days = 31
  }
}

run "timeouts_of_nothing_are_refused" {
  command         = plan
  expect_failures = [var.timeouts]

  variables {
    timeouts = { startup = null, model_download = null }
  }
}

run "output_to_nowhere_is_refused" {
  command         = plan
  expect_failures = [var.output]

  variables {
    output = { results_uri = null, failures_uri = null }
  }
}

run "notifications_to_nobody_are_refused" {
  command         = plan
  expect_failures = [var.notifications]

  variables {
    notifications = { success_topic_arn = null, error_topic_arn = null }
  }
}
