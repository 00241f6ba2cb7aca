locals {
  # Instances with a disk of their own encrypt it themselves: SageMaker refuses a key for them.
  has_instance_store = can(regex("^ml\\.(dl1|g5|g6e?|g7e?|p4de|p5[a-z]*|p6[a-z0-9-]*|trn[12]n?|[a-z]+[0-9]+[a-z]*d[a-z]*)\\.", var.instance_type))
}

resource "aws_cloudwatch_log_group" "this" {
  #checkov:skip=CKV_AWS_338:How long logs are kept is an input: a trial environment needs no year of them
  name              = "/aws/sagemaker/Endpoints/${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

# The server's own failures only: a client's bad request must not undo a deployment.
resource "aws_cloudwatch_metric_alarm" "rollback" {
  count = var.deployment.rollback_alarms ? 1 : 0

  alarm_name          = "${var.name}-deployment-rollback"
  alarm_description   = "The container of ${var.name} answers with 5xx: a deployment in its bake time is rolled back."
  namespace           = "AWS/SageMaker"
  metric_name         = "Invocation5XXErrors"
  dimensions          = { EndpointName = var.name, VariantName = var.variant_name }
  statistic           = "Sum"
  period              = 60
  evaluation_periods  = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 1
  treat_missing_data  = "notBreaching"
}

resource "aws_sagemaker_endpoint_configuration" "this" {
  # The provider adds 26 characters of its own.
  name_prefix = "${substr(var.name, 0, 36)}-"
  kms_key_arn = local.has_instance_store ? null : var.kms_key_arn

  production_variants {
    variant_name                                      = var.variant_name
    model_name                                        = var.model_name
    instance_type                                     = var.instance_type
    initial_instance_count                            = var.initial_instance_count
    initial_variant_weight                            = var.variant_weight
    container_startup_health_check_timeout_in_seconds = var.timeouts.startup
    model_data_download_timeout_in_seconds            = var.timeouts.model_download
  }

  async_inference_config {
    client_config {
      max_concurrent_invocations_per_instance = var.max_concurrent_invocations
    }

    output_config {
      s3_output_path  = var.output.results_uri
      s3_failure_path = var.output.failures_uri
      kms_key_id      = var.kms_key_arn

      notification_config {
        success_topic                 = var.notifications.success_topic_arn
        error_topic                   = var.notifications.error_topic_arn
        include_inference_response_in = var.notifications.include_response ? ["ERROR_NOTIFICATION_TOPIC", "SUCCESS_NOTIFICATION_TOPIC"] : null
      }
    }
  }

  lifecycle {
    create_before_destroy = true
  }
}

# What scales. SageMaker refuses to change the instance type of a variant with a registered scalable target. This is
# replaced when the type changes, and a replacement takes what depends on it along: the target goes before the endpoint
# is updated (it waits for this), and returns after.
resource "terraform_data" "scalable_variant" {
  input            = var.variant_name
  triggers_replace = var.instance_type
}

resource "aws_sagemaker_endpoint" "this" {
  name                 = var.name
  endpoint_config_name = aws_sagemaker_endpoint_configuration.this.name

  deployment_config {
    blue_green_update_policy {
      termination_wait_in_seconds = var.deployment.bake_seconds

      traffic_routing_configuration {
        type                     = upper(var.deployment.strategy)
        wait_interval_in_seconds = var.deployment.strategy == "all_at_once" ? 0 : var.deployment.step_interval_seconds

        dynamic "canary_size" {
          for_each = var.deployment.strategy == "canary" ? [var.deployment.step_percent] : []

          content {
            type  = "CAPACITY_PERCENT"
            value = canary_size.value
          }
        }

        dynamic "linear_step_size" {
          for_each = var.deployment.strategy == "linear" ? [var.deployment.step_percent] : []

          content {
            type  = "CAPACITY_PERCENT"
            value = linear_step_size.value
          }
        }
      }
    }

    # Replaces the endpoint when it comes or goes.
    dynamic "auto_rollback_configuration" {
      for_each = var.deployment.rollback_alarms ? [aws_cloudwatch_metric_alarm.rollback[0].alarm_name] : []

      content {
        alarms {
          alarm_name = auto_rollback_configuration.value
        }
      }
    }
  }

  # SageMaker would make a log group without retention if it came first.
  depends_on = [aws_cloudwatch_log_group.this, terraform_data.scalable_variant]

  lifecycle {
    # An update that SageMaker rolls back ends InService on the former configuration, and the provider calls that a
    # success. Failing here keeps the former configuration and model, which the endpoint still runs.
    postcondition {
      condition     = self.endpoint_config_name == aws_sagemaker_endpoint_configuration.this.name
      error_message = "Endpoint ${var.name} runs configuration ${self.endpoint_config_name}, not ${aws_sagemaker_endpoint_configuration.this.name}: SageMaker has rolled the update back. Its former configuration is kept; see the endpoint's log group for the cause, then apply again. If its instance type was to change, it does not scale, not even from zero, until an apply succeeds: with this type or with the former one."
    }
  }
}
