data "aws_iam_policy_document" "trust" {
  statement {
    sid     = "LambdaOfThisAccount"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [var.account_id]
    }
  }
}

data "aws_iam_policy_document" "access" {
  statement {
    sid       = "ReadUploads"
    actions   = ["s3:GetObject", "s3:GetObjectVersion"]
    resources = ["${local.bucket_arn}/${var.uploads.prefix}*"]
  }

  statement {
    sid       = "WriteInputs"
    actions   = ["s3:PutObject"]
    resources = ["${local.bucket_arn}/${var.prefixes.inputs}upload-*"]
  }

  statement {
    sid       = "KeepReceipts"
    actions   = ["s3:GetObject", "s3:PutObject"]
    resources = ["${local.bucket_arn}/${var.prefixes.receipts}*"]
  }

  statement {
    sid       = "Invoke"
    actions   = ["sagemaker:InvokeEndpointAsync"]
    resources = [var.endpoint.arn]
  }

  statement {
    sid       = "DeadLetters"
    actions   = ["sqs:SendMessage"]
    resources = [local.queue_arn]
  }

  statement {
    sid       = "Logs"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${local.log_group_arn}:*"]
  }

  dynamic "statement" {
    for_each = var.kms_key_arn == null ? [] : [var.kms_key_arn]

    content {
      sid       = "UseKey"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [statement.value]
    }
  }
}

# Roles are shared by the regions of an account: the generated end keeps equal functions of two regions apart.
resource "aws_iam_role" "this" {
  name_prefix        = "${substr(local.name, 0, 37)}-"
  description        = "Role of function ${local.name}"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

resource "aws_iam_role_policy" "this" {
  name   = "uploads"
  role   = aws_iam_role.this.id
  policy = data.aws_iam_policy_document.access.json
}
