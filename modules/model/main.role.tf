data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  arn    = "arn:${data.aws_partition.current.partition}"
  region = data.aws_region.current.id

  image          = regex("^(?P<account>[0-9]{12})\\.dkr\\.ecr\\.(?P<region>[a-z0-9-]+)\\.[^/]+/(?P<repository>[^@]+)@", var.image)
  repository_arn = "${local.arn}:ecr:${local.image.region}:${local.image.account}:repository/${local.image.repository}"

  data_arn      = "${local.arn}:s3:::${var.access.data.bucket}"
  log_group_arn = "${local.arn}:logs:${local.region}:${var.account_id}:log-group:/aws/sagemaker/Endpoints/${var.endpoint_name}"
  ec2_arn       = "${local.arn}:ec2:${local.region}:${var.account_id}"
}

data "aws_iam_policy_document" "trust" {
  statement {
    sid     = "SageMakerOfThisAccount"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["sagemaker.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [var.account_id]
    }

    # As in "Cross-service confused deputy prevention", Amazon SageMaker Developer Guide.
    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = ["${local.arn}:sagemaker:${local.region}:${var.account_id}:*"]
    }
  }
}

data "aws_iam_policy_document" "access" {
  # These have no resource: GetAuthorizationToken is for the whole registry, PutMetricData knows namespaces only.
  statement {
    sid       = "RegistryToken"
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"]
  }

  statement {
    sid       = "Metrics"
    actions   = ["cloudwatch:PutMetricData"]
    resources = ["*"]

    condition {
      test     = "StringLike"
      variable = "cloudwatch:namespace"
      values   = ["/aws/sagemaker/*", "AWS/SageMaker"]
    }
  }

  statement {
    sid       = "PullImage"
    actions   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    resources = [local.repository_arn]
  }

  dynamic "statement" {
    for_each = local.artifact

    content {
      sid     = "ReadArtifact"
      actions = ["s3:GetObject"]
      resources = [
        "${local.arn}:s3:::${statement.value.bucket}/${statement.value.key}${var.artifact.source == "prefix" ? "*" : ""}",
      ]
    }
  }

  dynamic "statement" {
    for_each = local.artifact

    content {
      sid       = "ListArtifact"
      actions   = ["s3:ListBucket"]
      resources = ["${local.arn}:s3:::${statement.value.bucket}"]

      condition {
        test     = "StringLike"
        variable = "s3:prefix"
        values   = ["${statement.value.key}*"]
      }
    }
  }

  statement {
    sid       = "ReadInputs"
    actions   = ["s3:GetObject"]
    resources = [for prefix in sort(var.access.data.read_prefixes) : "${local.data_arn}/${prefix}*"]
  }

  statement {
    sid       = "WriteResults"
    actions   = ["s3:AbortMultipartUpload", "s3:PutObject"]
    resources = [for prefix in sort(var.access.data.write_prefixes) : "${local.data_arn}/${prefix}*"]
  }

  statement {
    sid       = "ListData"
    actions   = ["s3:ListBucket"]
    resources = [local.data_arn]

    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = [for prefix in sort(setunion(var.access.data.read_prefixes, var.access.data.write_prefixes)) : "${prefix}*"]
    }
  }

  statement {
    sid       = "Notify"
    actions   = ["sns:Publish"]
    resources = var.access.topic_arns
  }

  statement {
    sid = "Logs"
    actions = [
      "logs:CreateLogGroup",
      "logs:CreateLogStream",
      "logs:DescribeLogStreams",
      "logs:PutLogEvents",
    ]
    resources = [local.log_group_arn, "${local.log_group_arn}:*"]
  }

  dynamic "statement" {
    for_each = var.access.kms_key_arn == null ? [] : [var.access.kms_key_arn]

    content {
      sid       = "UseKey"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [statement.value]
    }
  }

  dynamic "statement" {
    for_each = var.vpc == null ? [] : [var.vpc]

    content {
      sid     = "AttachInterfaces"
      actions = ["ec2:CreateNetworkInterface"]
      resources = concat(
        ["${local.ec2_arn}:network-interface/*"],
        [for id in sort(statement.value.subnet_ids) : "${local.ec2_arn}:subnet/${id}"],
        [for id in sort(statement.value.security_group_ids) : "${local.ec2_arn}:security-group/${id}"],
      )
    }
  }

  dynamic "statement" {
    for_each = var.vpc == null ? [] : [var.vpc]

    content {
      sid = "ManageInterfaces"
      actions = [
        "ec2:CreateNetworkInterfacePermission",
        "ec2:DeleteNetworkInterface",
        "ec2:DeleteNetworkInterfacePermission",
      ]
      resources = ["${local.ec2_arn}:network-interface/*"]
    }
  }

  # EC2's Describe actions have no resource.
  dynamic "statement" {
    for_each = var.vpc == null ? [] : [var.vpc]

    content {
      sid = "DescribeNetwork"
      actions = [
        "ec2:DescribeDhcpOptions",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcs",
      ]
      resources = ["*"]
    }
  }
}

# Roles are shared by the regions of an account: the generated end keeps equal endpoints of two regions apart.
resource "aws_iam_role" "this" {
  name_prefix        = "${substr(var.endpoint_name, 0, 37)}-"
  description        = "Execution role of endpoint ${var.endpoint_name}"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

# One policy a revision: the former one, with the former artifact, topics and key, goes only after the endpoint has left it.
resource "aws_iam_role_policy" "this" {
  name   = "revision-${local.revision}"
  role   = aws_iam_role.this.id
  policy = data.aws_iam_policy_document.access.json

  lifecycle {
    create_before_destroy = true
  }
}
