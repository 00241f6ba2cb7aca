resource "aws_s3_bucket" "this" {
  #checkov:skip=CKV_AWS_144:Inputs and results are made again from their source; artifacts are rebuilt, or copied by a promotion
  bucket        = var.name
  force_destroy = var.force_destroy
}

resource "aws_s3_bucket_ownership_controls" "this" {
  bucket = aws_s3_bucket.this.bucket

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  bucket = aws_s3_bucket.this.bucket

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_versioning" "this" {
  bucket = aws_s3_bucket.this.bucket

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  bucket = aws_s3_bucket.this.bucket

  rule {
    bucket_key_enabled = var.kms_key_arn != null

    apply_server_side_encryption_by_default {
      sse_algorithm     = var.kms_key_arn == null ? "AES256" : "aws:kms"
      kms_master_key_id = var.kms_key_arn
    }
  }
}

data "aws_partition" "current" {}

locals {
  # From the name, not from the bucket: a plan then shows the whole policy.
  arn       = "arn:${data.aws_partition.current.partition}:s3:::${var.name}"
  resources = [local.arn, "${local.arn}/*"]
}

data "aws_iam_policy_document" "this" {
  statement {
    sid       = "OnlyTls"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = local.resources

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

  dynamic "statement" {
    for_each = var.takes_access_logs_of == null ? [] : [var.takes_access_logs_of]

    content {
      sid       = "AccessLogs"
      actions   = ["s3:PutObject"]
      resources = [for bucket in sort(statement.value.buckets) : "${local.arn}/${bucket}/*"]

      principals {
        type        = "Service"
        identifiers = ["logging.s3.amazonaws.com"]
      }

      condition {
        test     = "StringEquals"
        variable = "aws:SourceAccount"
        values   = [statement.value.account_id]
      }

      # As in "Permissions for server access log delivery", Amazon S3 User Guide.
      condition {
        test     = "ArnLike"
        variable = "aws:SourceArn"
        values   = [for bucket in sort(statement.value.buckets) : "arn:${data.aws_partition.current.partition}:s3:::${bucket}"]
      }
    }
  }

  dynamic "statement" {
    for_each = length(var.reader_account_ids) > 0 ? [sort(var.reader_account_ids)] : []

    content {
      sid       = "ReaderAccounts"
      actions   = ["s3:GetObject", "s3:ListBucket", "s3:ListBucketVersions"]
      resources = local.resources

      principals {
        type        = "AWS"
        identifiers = [for id in statement.value : "arn:${data.aws_partition.current.partition}:iam::${id}:root"]
      }
    }
  }
}

resource "aws_s3_bucket_policy" "this" {
  bucket = aws_s3_bucket.this.bucket
  policy = data.aws_iam_policy_document.this.json
}

resource "aws_s3_bucket_logging" "this" {
  count = var.access_log_bucket == null ? 0 : 1

  bucket        = aws_s3_bucket.this.bucket
  target_bucket = var.access_log_bucket
  target_prefix = "${var.name}/"
}

# The provider polls for almost a minute after it has written a lifecycle: there is none unless it has work to do.
resource "aws_s3_bucket_lifecycle_configuration" "this" {
  count = var.abort_multipart_days == null && var.expiry.noncurrent_days == null ? 0 : 1

  bucket = aws_s3_bucket.this.bucket

  rule {
    id     = "clean-up"
    status = "Enabled"

    filter {}

    dynamic "noncurrent_version_expiration" {
      for_each = var.expiry.noncurrent_days[*]

      content {
        noncurrent_days = noncurrent_version_expiration.value
      }
    }

    dynamic "abort_incomplete_multipart_upload" {
      for_each = var.abort_multipart_days[*]

      content {
        days_after_initiation = abort_incomplete_multipart_upload.value
      }
    }
  }

  dynamic "rule" {
    for_each = var.expiry.days_by_prefix

    content {
      # The prefix as it is, whose slash keeps it apart from the other names, and its hash where S3's 255 characters are too few.
      id     = "expire-${rule.key == "" ? "everything" : length(rule.key) <= 248 ? rule.key : sha256(rule.key)}"
      status = "Enabled"

      filter {
        prefix = rule.key
      }

      expiration {
        days = rule.value
      }
    }
  }

  # Rules on noncurrent versions are refused while a bucket has no versioning.
  depends_on = [aws_s3_bucket_versioning.this]
}
