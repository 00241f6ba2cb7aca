data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  name     = "${var.name}-uploads"
  arn      = "arn:${data.aws_partition.current.partition}"
  regional = "${data.aws_region.current.id}:${var.account_id}"

  # Known before they are made, so that queue, rule and role come without a circle.
  queue_name    = "${local.name}-dead-letters"
  queue_arn     = "${local.arn}:sqs:${local.regional}:${local.queue_name}"
  rule_arn      = "${local.arn}:events:${local.regional}:rule/${local.name}"
  log_group     = "/aws/lambda/${local.name}"
  log_group_arn = "${local.arn}:logs:${local.regional}:log-group:${local.log_group}"
  bucket_arn    = "${local.arn}:s3:::${var.uploads.bucket}"

  # One wildcard per pattern: a prefix and a suffix of the same field cannot be asked for in another way.
  keys = length(var.uploads.suffixes) == 0 ? [{ prefix = var.uploads.prefix }] : null
  ends = [for suffix in sort(var.uploads.suffixes) : { wildcard = "${var.uploads.prefix}*${suffix}" }]

  timeout           = 120   # seconds: a copy of 1 GB within S3, twice; less than two retries take, so that a claim is over by then
  maximum_event_age = 21600 # seconds: how long Lambda keeps a throttled event at most
}

resource "aws_cloudwatch_event_rule" "this" {
  name        = local.name
  description = "Uploads for ${var.name}"

  event_pattern = jsonencode({
    source      = ["aws.s3"]
    detail-type = ["Object Created"]
    detail = {
      bucket = { name = [var.uploads.bucket] }
      object = { key = coalescelist(local.ends, local.keys) }
    }
  })
}

resource "aws_cloudwatch_event_target" "this" {
  rule      = aws_cloudwatch_event_rule.this.name
  target_id = "function"
  arn       = aws_lambda_function.this.arn

  # What EventBridge itself does by default, said here: a day of tries, then the dead-letter queue.
  retry_policy {
    maximum_event_age_in_seconds = 86400
    maximum_retry_attempts       = 185
  }

  dead_letter_config {
    arn = aws_sqs_queue.dead_letters.arn
  }

  # Nothing is sent before it can be received.
  depends_on = [aws_lambda_permission.this, aws_lambda_function_event_invoke_config.this]
}

resource "aws_lambda_permission" "this" {
  statement_id  = "EventBridgeSendsUploads"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.this.function_name
  principal     = "events.amazonaws.com"
  source_arn    = local.rule_arn
}

resource "aws_lambda_function" "this" {
  #checkov:skip=CKV_AWS_117:It calls AWS's own APIs only; in a VPC it would need an interface endpoint for each of them
  #checkov:skip=CKV_AWS_272:The code's digest is in the plan and in the state; a signing profile would sign the same bytes once more
  function_name                  = local.name
  description                    = "Puts uploads into the queue of ${var.name}"
  role                           = aws_iam_role.this.arn
  runtime                        = "python3.13"
  architectures                  = ["arm64"]
  handler                        = "upload_trigger.handler.handle"
  filename                       = var.package.file
  source_code_hash               = var.package.source_code_hash
  memory_size                    = 256
  timeout                        = local.timeout
  reserved_concurrent_executions = var.reserved_concurrency
  kms_key_arn                    = var.kms_key_arn

  environment {
    variables = {
      ENDPOINT_NAME              = var.name
      INPUT_PREFIX               = var.prefixes.inputs
      RECEIPT_PREFIX             = var.prefixes.receipts
      INVOCATION_TIMEOUT_SECONDS = tostring(var.endpoint.invocation_timeout)
    }
  }

  dead_letter_config {
    target_arn = aws_sqs_queue.dead_letters.arn
  }

  tracing_config {
    mode = "PassThrough"
  }

  # Lambda checks that the role may send dead letters, and would make a log group without retention if it came first.
  depends_on = [aws_iam_role_policy.this, aws_cloudwatch_log_group.this]
}

resource "aws_lambda_function_event_invoke_config" "this" {
  function_name                = aws_lambda_function.this.function_name
  maximum_event_age_in_seconds = local.maximum_event_age
  maximum_retry_attempts       = 2
}

resource "aws_cloudwatch_log_group" "this" {
  #checkov:skip=CKV_AWS_338:How long logs are kept is an input: a trial environment needs no year of them
  name              = local.log_group
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}
