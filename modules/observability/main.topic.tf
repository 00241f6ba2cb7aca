data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  topic_name = "${var.name}-alarms"
  topic_arn  = aws_sns_topic.alarms.arn

  # Known before the topic is made: the topic and its policy come in one call, never one without the other.
  planned_topic_arn = join(":", ["arn", data.aws_partition.current.partition, "sns", data.aws_region.current.id, var.account_id, local.topic_name])

  recipients = merge(
    { for address in var.recipients.emails : address => "email" },
    { for url in var.recipients.https : url => "https" },
  )
}

data "aws_iam_policy_document" "topic" {
  statement {
    sid       = "AlarmsAndBudgetsPublish"
    actions   = ["sns:Publish"]
    resources = [local.planned_topic_arn]

    principals {
      type        = "Service"
      identifiers = ["budgets.amazonaws.com", "cloudwatch.amazonaws.com"]
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
    resources = [local.planned_topic_arn]

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

# There without alarms as well: it waits for nothing of an endpoint, so that alarms of other modules can use it.
resource "aws_sns_topic" "alarms" {
  name = local.topic_name
  # Not alias/aws/sns where there is no key: its policy, which is AWS's, lets no alarm publish.
  kms_master_key_id = var.kms_key_arn
  policy            = data.aws_iam_policy_document.topic.json
}

resource "aws_sns_topic_subscription" "alarms" {
  for_each = local.recipients

  topic_arn = local.topic_arn
  protocol  = each.value
  endpoint  = each.key
}
