data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  outcomes = toset(["success", "error"])

  # Known before the topic is made: the topic and its policy come in one call, never one without the other.
  topic_arns = {
    for outcome in local.outcomes : outcome => join(":", [
      "arn", data.aws_partition.current.partition, "sns", data.aws_region.current.id, var.account_id, "${var.name}-${outcome}",
    ])
  }

  subscribers = concat(
    [for address in sort(var.subscribers.emails) : { protocol = "email", endpoint = address, filter = var.filter_policies.emails }],
    [for arn in sort(var.subscribers.sqs_queue_arns) : { protocol = "sqs", endpoint = arn, filter = var.filter_policies.sqs_queue_arns }],
    [for url in sort(var.subscribers.https) : { protocol = "https", endpoint = url, filter = var.filter_policies.https }],
    var.queue == null ? [] : [{ protocol = "sqs", endpoint = local.queue_arns.messages, filter = var.filter_policies.queue }],
  )

  subscriptions = {
    for pair in setproduct(local.outcomes, local.subscribers) :
    "${pair[0]} ${pair[1].endpoint}" => merge(pair[1], { outcome = pair[0] })
  }
}

data "aws_iam_policy_document" "this" {
  for_each = local.topic_arns

  statement {
    sid       = "SageMakerPublishes"
    actions   = ["sns:Publish"]
    resources = [each.value]

    principals {
      type        = "Service"
      identifiers = ["sagemaker.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [var.account_id]
    }
  }

  statement {
    sid       = "OnlyTls"
    effect    = "Deny"
    actions   = ["sns:Publish"]
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

resource "aws_sns_topic" "this" {
  for_each = local.outcomes

  name              = "${var.name}-${each.key}"
  kms_master_key_id = coalesce(var.kms_key_arn, "alias/aws/sns")
  policy            = data.aws_iam_policy_document.this[each.key].json
}

resource "aws_sns_topic_subscription" "this" {
  for_each = local.subscriptions

  topic_arn           = aws_sns_topic.this[each.value.outcome].arn
  protocol            = each.value.protocol
  endpoint            = each.value.endpoint
  filter_policy       = each.value.filter
  filter_policy_scope = each.value.filter == null ? null : "MessageBody"

  # What a webhook does not take in an hour of attempts is kept, where there is a place for it.
  redrive_policy = each.value.protocol == "https" && var.queue != null ? jsonencode({ deadLetterTargetArn = local.queue_arns.dead_letters }) : null

  depends_on = [aws_sqs_queue.messages, aws_sqs_queue.dead_letters]
}
