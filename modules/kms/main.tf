data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  arn_prefix  = "arn:${data.aws_partition.current.partition}"
  logs_arn    = "${local.arn_prefix}:logs:${data.aws_region.current.id}:${var.account_id}:*"
  account_arn = "${local.arn_prefix}:iam::${var.account_id}:root"
}

# In a key policy, Resource "*" is the key that the policy belongs to: AWS has no other resource for it.
data "aws_iam_policy_document" "this" {
  statement {
    sid       = "AccountDecidesByIam"
    actions   = ["kms:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = [local.account_arn]
    }
  }

  statement {
    sid       = "LogGroups"
    actions   = ["kms:Decrypt*", "kms:Describe*", "kms:Encrypt*", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
    resources = ["*"]

    principals {
      type        = "Service"
      identifiers = ["logs.${data.aws_region.current.id}.amazonaws.com"]
    }

    condition {
      test     = "ArnLike"
      variable = "kms:EncryptionContext:aws:logs:arn"
      values   = [local.logs_arn]
    }
  }
}

resource "aws_kms_key" "this" {
  description             = var.description
  enable_key_rotation     = true
  deletion_window_in_days = var.deletion_window_days
  policy                  = data.aws_iam_policy_document.this.json
}

resource "aws_kms_alias" "this" {
  name          = "alias/${var.name}"
  target_key_id = aws_kms_key.this.key_id
}
