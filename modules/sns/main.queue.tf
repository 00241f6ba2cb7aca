locals {
  queue_names = var.queue == null ? {} : {
    messages     = "${var.name}-notifications"
    dead_letters = "${var.name}-notifications-dead-letters"
  }

  # Known before the queues are made, like the topics: a queue and its policy come in one call.
  queue_arns = {
    for purpose, name in local.queue_names : purpose => join(":", [
      "arn", data.aws_partition.current.partition, "sqs", data.aws_region.current.id, var.account_id, name,
    ])
  }
}

data "aws_iam_policy_document" "queue" {
  for_each = local.queue_arns

  statement {
    sid       = "TopicsSend"
    actions   = ["sqs:SendMessage"]
    resources = [each.value]

    principals {
      type        = "Service"
      identifiers = ["sns.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = values(local.topic_arns)
    }
  }

  statement {
    sid       = "OnlyTls"
    effect    = "Deny"
    actions   = ["sqs:*"]
    resources = [each.value]

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

resource "aws_sqs_queue" "messages" {
  count = var.queue == null ? 0 : 1

  name                       = local.queue_names.messages
  visibility_timeout_seconds = var.queue.visibility_timeout_seconds
  message_retention_seconds  = var.queue.retention_seconds
  kms_master_key_id          = var.kms_key_arn
  sqs_managed_sse_enabled    = var.kms_key_arn == null ? true : null
  policy                     = data.aws_iam_policy_document.queue["messages"].json

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letters[0].arn
    maxReceiveCount     = var.queue.max_receives
  })
}

resource "aws_sqs_queue" "dead_letters" {
  count = var.queue == null ? 0 : 1

  name                      = local.queue_names.dead_letters
  message_retention_seconds = 1209600 # 14 days, the longest there is
  kms_master_key_id         = var.kms_key_arn
  sqs_managed_sse_enabled   = var.kms_key_arn == null ? true : null
  policy                    = data.aws_iam_policy_document.queue["dead_letters"].json

  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [local.queue_arns.messages]
  })
}
