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
    [for address in sort(var.subscribers.emails) : { protocol = "email", endpoint = address }],
    [for arn in sort(var.subscribers.sqs_queue_arns) : { protocol = "sqs", endpoint = arn }],
    [for url in sort(var.subscribers.https) : { protocol = "https", endpoint = url }],
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

  topic_arn = aws_sns_topic.this[each.value.outcome].arn
  protocol  = each.value.protocol
  endpoint  = each.value.endpoint
}
