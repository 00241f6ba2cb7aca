# Both kinds of dead letters are the event as it came: of EventBridge, when it could not reach the function, and of
# Lambda, when the function failed to the last. The attributes of a message say why.
resource "aws_sqs_queue" "dead_letters" {
  name                              = local.queue_name
  message_retention_seconds         = 1209600 # 14 days, the most that SQS keeps
  kms_master_key_id                 = var.kms_key_arn
  kms_data_key_reuse_period_seconds = var.kms_key_arn == null ? null : 3600
  sqs_managed_sse_enabled           = var.kms_key_arn == null ? true : null
  policy                            = data.aws_iam_policy_document.dead_letters.json
}

data "aws_iam_policy_document" "dead_letters" {
  statement {
    sid       = "RuleSendsWhatItCannotDeliver"
    actions   = ["sqs:SendMessage"]
    resources = [local.queue_arn]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [local.rule_arn]
    }
  }

  statement {
    sid       = "OnlyTls"
    effect    = "Deny"
    actions   = ["sqs:*"]
    resources = [local.queue_arn]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

locals {
  # The ways an upload goes that nobody handles: one that ends in the queue, and the two past it. Where each was seen.
  alarms = {
    dead-letters = {
      says       = "Uploads for ${var.name} were given up: they wait in ${local.queue_name}."
      namespace  = "AWS/SQS"
      metric     = "ApproximateNumberOfMessagesVisible"
      dimensions = { QueueName = local.queue_name }
      statistic  = "Maximum"
    }
    lost = {
      says       = "An upload for ${var.name} was given up and Lambda could not put it into ${local.queue_name}: see ${local.log_group}."
      namespace  = "AWS/Lambda"
      metric     = "DeadLetterErrors"
      dimensions = { FunctionName = local.name }
      statistic  = "Sum"
    }
    undelivered = {
      says       = "An upload for ${var.name} did not reach the function and EventBridge could not put it into ${local.queue_name}."
      namespace  = "AWS/Events"
      metric     = "InvocationsFailedToBeSentToDlq"
      dimensions = { RuleName = local.name }
      statistic  = "Sum"
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${local.name}-${each.key}"
  alarm_description   = each.value.says
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  period              = 60
  evaluation_periods  = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arns
  ok_actions          = var.alarm_topic_arns
}

# Alarms are known by their names: one that is destroyed after its successor was made takes that along.
moved {
  from = aws_cloudwatch_metric_alarm.dead_letters
  to   = aws_cloudwatch_metric_alarm.this["dead-letters"]
}

moved {
  from = aws_cloudwatch_metric_alarm.lost
  to   = aws_cloudwatch_metric_alarm.this["lost"]
}
