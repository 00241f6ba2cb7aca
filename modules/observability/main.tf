locals {
  period = 300

  watched = { for key, endpoint in var.endpoints : key => endpoint if endpoint.alarms != null }

  # Events of a variant, each told once as many happened within a period.
  counted = {
    failures              = { metrics = ["InvocationFailures"], says = "requests fail" }
    server_errors         = { metrics = ["Invocation5XXErrors"], says = "the container answers with 5xx" }
    expired_requests      = { metrics = ["ExpiredRequests"], says = "requests waited too long and were given up" }
    transfer_failures     = { metrics = ["RequestDownloadFailures", "ResponseUploadFailures"], says = "inputs cannot be read, or results cannot be written" }
    notification_failures = { metrics = ["NotificationFailures"], says = "results are there and nobody is told" }
  }

  counters = merge([
    for key, endpoint in local.watched : merge([
      for kind, event in local.counted : {
        for metric in event.metrics : "${key} ${metric}" => {
          key       = key
          endpoint  = endpoint
          metric    = metric
          says      = event.says
          threshold = endpoint.alarms[kind]
        }
      }
    ]...)
  ]...)

  # All that tell of an endpoint, those of its trigger included.
  alarm_names = {
    for key, endpoint in var.endpoints : key => sort(concat(
      [for id, counter in local.counters : aws_cloudwatch_metric_alarm.events[id].alarm_name if counter.key == key],
      [
        for alarms in [
          aws_cloudwatch_metric_alarm.oldest_request,
          aws_cloudwatch_metric_alarm.without_capacity,
          aws_cloudwatch_metric_alarm.stuck,
          aws_cloudwatch_metric_alarm.dead_letters,
        ] : alarms[key].alarm_name if contains(keys(alarms), key)
      ],
      try(endpoint.trigger.alarm_names, []),
    ))
  }
}

resource "aws_cloudwatch_metric_alarm" "events" {
  for_each = local.counters

  alarm_name          = "${each.value.endpoint.name}-${each.value.metric}"
  alarm_description   = "${each.value.endpoint.name}: ${each.value.says}."
  namespace           = "AWS/SageMaker"
  metric_name         = each.value.metric
  dimensions          = { EndpointName = each.value.endpoint.name, VariantName = each.value.endpoint.variant_name }
  statistic           = "Sum"
  period              = local.period
  evaluation_periods  = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = each.value.threshold
  treat_missing_data  = "notBreaching"
  alarm_actions       = [local.topic_arn]
  ok_actions          = [local.topic_arn]
}

resource "aws_cloudwatch_metric_alarm" "oldest_request" {
  for_each = local.watched

  alarm_name          = "${each.value.name}-oldest-request"
  alarm_description   = "${each.value.name}: a request has been waiting for ${each.value.alarms.oldest_request_minutes} minutes."
  namespace           = "AWS/SageMaker"
  metric_name         = "ApproximateAgeOfOldestRequest"
  dimensions          = { EndpointName = each.value.name }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = each.value.alarms.oldest_request_minutes * 60
  treat_missing_data  = "notBreaching"
  alarm_actions       = [local.topic_arn]
  ok_actions          = [local.topic_arn]
}

# A first instance was asked for and does not come: no capacity, a quota, an image or a model that does not load.
resource "aws_cloudwatch_metric_alarm" "without_capacity" {
  for_each = local.watched

  alarm_name          = "${each.value.name}-without-capacity"
  alarm_description   = "${each.value.name}: requests have been waiting for a first instance for ${each.value.alarms.without_capacity_minutes} minutes."
  namespace           = "AWS/SageMaker"
  metric_name         = "HasBacklogWithoutCapacity"
  dimensions          = { EndpointName = each.value.name }
  statistic           = "Minimum"
  period              = 60
  evaluation_periods  = each.value.alarms.without_capacity_minutes
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [local.topic_arn]
  ok_actions          = [local.topic_arn]
}

# Does not leave zero, for whatever reason: requests wait, and in the time that a cold start and one request may take at
# most, none was done. HasBacklogWithoutCapacity is left out on purpose: scaling from zero hangs on it, and where it is
# not published nothing scales and nothing else tells.
resource "aws_cloudwatch_metric_alarm" "stuck" {
  for_each = local.watched

  alarm_name          = "${each.value.name}-stuck"
  alarm_description   = "${each.value.name}: requests wait and none was done in the time that a cold start and one request may take: it does not leave zero, or hangs."
  evaluation_periods  = ceil((each.value.timeouts.startup + each.value.timeouts.model_download + each.value.timeouts.invocation) / local.period) + 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [local.topic_arn]
  ok_actions          = [local.topic_arn]

  metric_query {
    id          = "stuck"
    label       = "Waiting, and nothing done"
    expression  = "IF(waiting > 0 AND FILL(done, 0) + FILL(failed, 0) == 0, 1, 0)"
    return_data = true
  }

  metric_query {
    id = "waiting"

    metric {
      namespace   = "AWS/SageMaker"
      metric_name = "ApproximateBacklogSize"
      dimensions  = { EndpointName = each.value.name }
      stat        = "Minimum"
      period      = local.period
    }
  }

  dynamic "metric_query" {
    for_each = { done = "InvocationsProcessed", failed = "InvocationFailures" }

    content {
      id = metric_query.key

      metric {
        namespace   = "AWS/SageMaker"
        metric_name = metric_query.value
        dimensions  = { EndpointName = each.value.name, VariantName = each.value.variant_name }
        stat        = "Sum"
        period      = local.period
      }
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "dead_letters" {
  for_each = { for key, endpoint in var.endpoints : key => endpoint.dead_letter_queue_name if endpoint.dead_letter_queue_name != null }

  alarm_name          = each.value
  alarm_description   = "${each.value}: a message that nobody could handle waits for a person."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = each.value }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [local.topic_arn]
  ok_actions          = [local.topic_arn]
}
