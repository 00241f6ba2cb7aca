mock_provider "aws" {
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_region" {
    defaults = { id = "eu-west-1", name = "eu-west-1" }
  }

  # The provider checks that a policy is JSON; what it says is asserted on the statements.
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }

  # Computed values that the provider looks at.
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111122223333:role/platform-dev-rooms-uploads-1" }
  }

  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:eu-west-1:111122223333:platform-dev-rooms-uploads-dead-letters" }
  }

  mock_resource "aws_lambda_function" {
    defaults = { arn = "arn:aws:lambda:eu-west-1:111122223333:function:platform-dev-rooms-uploads" }
  }
}

variables {
  name       = "platform-dev-rooms"
  account_id = "111122223333"

  endpoint = {
    arn                = "arn:aws:sagemaker:eu-west-1:111122223333:endpoint/platform-dev-rooms"
    invocation_timeout = 300
  }

  uploads = {
    bucket   = "platform-data"
    prefix   = "blueprints/"
    suffixes = [".png", ".jpg"]
  }

  prefixes = {
    inputs   = "rooms/inputs/"
    receipts = "rooms/receipts/"
    results  = "rooms/results/"
    failures = "rooms/failures/"
  }

  package = {
    file             = "upload_trigger.zip"
    source_code_hash = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
  }
}

run "the_rule_hears_of_objects_with_the_prefix_and_one_of_the_suffixes" {
  command = plan

  assert {
    condition = jsondecode(aws_cloudwatch_event_rule.this.event_pattern) == {
      source      = ["aws.s3"]
      detail-type = ["Object Created"]
      detail = {
        bucket = { name = ["platform-data"] }
        object = { key = [{ wildcard = "blueprints/*.jpg" }, { wildcard = "blueprints/*.png" }] }
      }
    }
    error_message = "The rule hears of something else: ${aws_cloudwatch_event_rule.this.event_pattern}"
  }
}

run "without_suffixes_the_prefix_is_enough" {
  command = plan

  variables {
    uploads = { bucket = "platform-data", prefix = "blueprints/" }
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.this.event_pattern).detail.object == { key = [{ prefix = "blueprints/" }] }
    error_message = "The rule hears of something else: ${aws_cloudwatch_event_rule.this.event_pattern}"
  }
}

run "the_function_is_the_package_and_knows_its_endpoint" {
  command = plan

  assert {
    condition     = [aws_lambda_function.this.function_name, aws_lambda_function.this.filename, aws_lambda_function.this.source_code_hash] == ["platform-dev-rooms-uploads", var.package.file, var.package.source_code_hash]
    error_message = "The function is another one."
  }

  assert {
    condition = one(aws_lambda_function.this.environment).variables == tomap({
      ENDPOINT_NAME              = "platform-dev-rooms"
      INPUT_PREFIX               = "rooms/inputs/"
      RECEIPT_PREFIX             = "rooms/receipts/"
      INVOCATION_TIMEOUT_SECONDS = "300"
    })
    error_message = "The function has other settings."
  }

  assert {
    condition     = aws_lambda_function.this.reserved_concurrent_executions == 5
    error_message = "The function is not throttled."
  }
}

run "what_fails_is_tried_again_and_ends_in_the_dead_letter_queue" {
  command = apply

  assert {
    condition     = aws_lambda_function_event_invoke_config.this.maximum_retry_attempts == 2 && aws_lambda_function_event_invoke_config.this.maximum_event_age_in_seconds == 21600
    error_message = "Lambda tries in another way."
  }

  assert {
    condition     = one(aws_lambda_function.this.dead_letter_config).target_arn == aws_sqs_queue.dead_letters.arn && one(aws_cloudwatch_event_target.this.dead_letter_config).arn == aws_sqs_queue.dead_letters.arn
    error_message = "Dead letters go elsewhere."
  }

  assert {
    condition     = aws_sqs_queue.dead_letters.name == "platform-dev-rooms-uploads-dead-letters" && aws_sqs_queue.dead_letters.message_retention_seconds == 1209600
    error_message = "The dead-letter queue is another one, or forgets too soon."
  }

  assert {
    condition = { for name, alarm in aws_cloudwatch_metric_alarm.this : alarm.alarm_name => "${alarm.namespace} ${alarm.metric_name} ${alarm.statistic} ${jsonencode(alarm.dimensions)}" } == {
      platform-dev-rooms-uploads-dead-letters = "AWS/SQS ApproximateNumberOfMessagesVisible Maximum {\"QueueName\":\"platform-dev-rooms-uploads-dead-letters\"}"
      platform-dev-rooms-uploads-lost         = "AWS/Lambda DeadLetterErrors Sum {\"FunctionName\":\"platform-dev-rooms-uploads\"}"
      platform-dev-rooms-uploads-undelivered  = "AWS/Events InvocationsFailedToBeSentToDlq Sum {\"RuleName\":\"platform-dev-rooms-uploads\"}"
    }
    error_message = "The alarms look at something else."
  }

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.this : alarm.threshold == 1 && alarm.comparison_operator == "GreaterThanOrEqualToThreshold" && alarm.treat_missing_data == "notBreaching"])
    error_message = "An alarm does not go off with the first upload, or without any."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["undelivered"].dimensions["RuleName"] == aws_cloudwatch_event_rule.this.name
    error_message = "The alarm is not on the rule."
  }

  assert {
    condition     = output.alarm_names == ["platform-dev-rooms-uploads-dead-letters", "platform-dev-rooms-uploads-lost", "platform-dev-rooms-uploads-undelivered"]
    error_message = "The alarms have other names."
  }
}

run "only_the_rule_may_call_the_function_and_write_dead_letters" {
  command = plan

  assert {
    condition     = [aws_lambda_permission.this.principal, aws_lambda_permission.this.source_arn] == ["events.amazonaws.com", "arn:aws:events:eu-west-1:111122223333:rule/platform-dev-rooms-uploads"]
    error_message = "Somebody else may call the function."
  }

  assert {
    condition = [
      for statement in data.aws_iam_policy_document.dead_letters.statement :
      "${coalesce(statement.effect, "Allow")} ${one(one(statement.principals).identifiers)} ${one(statement.actions)} if ${one(statement.condition).variable} is ${one(one(statement.condition).values)}"
      ] == [
      "Allow events.amazonaws.com sqs:SendMessage if aws:SourceArn is arn:aws:events:eu-west-1:111122223333:rule/platform-dev-rooms-uploads",
      "Deny * sqs:* if aws:SecureTransport is false",
    ]
    error_message = "The queue's policy is another one."
  }
}

run "the_role_may_do_what_the_function_does_on_named_resources" {
  command = plan

  assert {
    condition = [
      for statement in data.aws_iam_policy_document.access.statement :
      "${statement.sid}: ${join(", ", sort(statement.actions))} on ${join(", ", statement.resources)}"
      ] == [
      "ReadUploads: s3:GetObject, s3:GetObjectVersion on arn:aws:s3:::platform-data/blueprints/*",
      "WriteInputs: s3:PutObject on arn:aws:s3:::platform-data/rooms/inputs/upload-*",
      "KeepReceipts: s3:GetObject, s3:PutObject on arn:aws:s3:::platform-data/rooms/receipts/*",
      "Invoke: sagemaker:InvokeEndpointAsync on arn:aws:sagemaker:eu-west-1:111122223333:endpoint/platform-dev-rooms",
      "DeadLetters: sqs:SendMessage on arn:aws:sqs:eu-west-1:111122223333:platform-dev-rooms-uploads-dead-letters",
      "Logs: logs:CreateLogStream, logs:PutLogEvents on arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/platform-dev-rooms-uploads:*",
    ]
    error_message = "The role may do something else."
  }

  assert {
    condition     = one(one(data.aws_iam_policy_document.trust.statement).condition).values == tolist(["111122223333"])
    error_message = "The role trusts functions of other accounts."
  }
}

run "without_a_key_dead_letters_are_encrypted_by_sqs" {
  command = plan

  assert {
    condition     = aws_sqs_queue.dead_letters.sqs_managed_sse_enabled
    error_message = "Dead letters are not encrypted."
  }
}

run "a_key_encrypts_settings_logs_and_dead_letters" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:eu-west-1:111122223333:key/11111111-2222-3333-4444-555555555555"
  }

  assert {
    condition     = [aws_lambda_function.this.kms_key_arn, aws_cloudwatch_log_group.this.kms_key_id, aws_sqs_queue.dead_letters.kms_master_key_id] == [var.kms_key_arn, var.kms_key_arn, var.kms_key_arn]
    error_message = "The key is not used everywhere."
  }

  assert {
    condition     = [for statement in data.aws_iam_policy_document.access.statement : "${join(", ", sort(statement.actions))} on ${one(statement.resources)}" if statement.sid == "UseKey"] == ["kms:Decrypt, kms:GenerateDataKey on ${var.kms_key_arn}"]
    error_message = "The role may not use the key."
  }
}

run "logs_are_kept_as_long_as_asked_and_alarms_tell_the_topics" {
  command = plan

  variables {
    log_retention_days = 7
    alarm_topic_arns   = ["arn:aws:sns:eu-west-1:111122223333:alarms"]
  }

  assert {
    condition     = aws_cloudwatch_log_group.this.retention_in_days == 7 && aws_cloudwatch_log_group.this.name == "/aws/lambda/platform-dev-rooms-uploads"
    error_message = "Logs are kept for another time, or elsewhere."
  }

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.this : alarm.alarm_actions == toset(var.alarm_topic_arns) && alarm.ok_actions == toset(var.alarm_topic_arns)])
    error_message = "The topics do not hear of begin and end."
  }
}

run "a_name_that_leaves_no_room_for_the_functions_is_refused" {
  command         = plan
  expect_failures = [var.name]

  variables {
    name = "platform-dev-rooms-of-a-house-with-a-very-long-name-abcde"
  }
}

run "a_short_account_id_is_refused" {
  command         = plan
  expect_failures = [var.account_id]

  variables {
    account_id = "1111"
  }
}

run "an_endpoint_by_name_is_refused" {
  command         = plan
  expect_failures = [var.endpoint]

  variables {
    endpoint = { arn = "platform-dev-rooms", invocation_timeout = 300 }
  }
}

run "an_invocation_of_more_than_an_hour_is_refused" {
  command         = plan
  expect_failures = [var.endpoint]

  variables {
    endpoint = { arn = "arn:aws:sagemaker:eu-west-1:111122223333:endpoint/platform-dev-rooms", invocation_timeout = 3601 }
  }
}

run "a_bucket_with_capitals_is_refused" {
  command         = plan
  expect_failures = [var.uploads]

  variables {
    uploads = { bucket = "Platform", prefix = "blueprints/" }
  }
}

run "a_prefix_that_is_no_folder_is_refused" {
  command         = plan
  expect_failures = [var.uploads]

  variables {
    uploads = { bucket = "platform-data", prefix = "blueprints" }
  }
}

run "a_prefix_with_a_wildcard_is_refused" {
  command         = plan
  expect_failures = [var.uploads]

  variables {
    uploads = { bucket = "platform-data", prefix = "blue*/" }
  }
}

run "a_suffix_without_a_dot_is_refused" {
  command         = plan
  expect_failures = [var.uploads]

  variables {
    uploads = { bucket = "platform-data", prefix = "blueprints/", suffixes = ["png"] }
  }
}

run "seventeen_suffixes_are_refused" {
  command         = plan
  expect_failures = [var.uploads]

  variables {
    uploads = { bucket = "platform-data", prefix = "blueprints/", suffixes = [for number in range(17) : ".a${number}"] }
  }
}

run "an_input_prefix_that_is_no_folder_is_refused" {
  command         = plan
  expect_failures = [var.prefixes]

  variables {
    prefixes = { inputs = "rooms", receipts = "rooms/receipts/", results = "rooms/results/", failures = "rooms/failures/" }
  }
}

run "receipts_that_would_be_uploads_are_refused" {
  command         = plan
  expect_failures = [var.prefixes]

  variables {
    prefixes = { inputs = "rooms/inputs/", receipts = "blueprints/receipts/", results = "rooms/results/", failures = "rooms/failures/" }
  }
}

run "results_that_would_be_uploads_are_refused" {
  command         = plan
  expect_failures = [var.prefixes]

  variables {
    uploads = { bucket = "platform-data", prefix = "rooms/results/" }
  }
}

run "failures_above_the_uploads_are_refused" {
  command         = plan
  expect_failures = [var.prefixes]

  variables {
    uploads = { bucket = "platform-data", prefix = "rooms/failures/of-today/" }
  }
}

run "prefixes_of_nothing_are_refused" {
  command         = plan
  expect_failures = [var.prefixes]

  variables {
    prefixes = { inputs = null, receipts = null, results = null, failures = null }
  }
}

run "a_package_that_is_no_archive_is_refused" {
  command         = plan
  expect_failures = [var.package]

  variables {
    package = { file = "handler.py", source_code_hash = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" }
  }
}

run "a_hash_in_hexadecimal_is_refused" {
  command         = plan
  expect_failures = [var.package]

  variables {
    package = { file = "upload_trigger.zip", source_code_hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" }
  }
}

run "no_concurrency_is_refused" {
  command         = plan
  expect_failures = [var.reserved_concurrency]

  variables {
    reserved_concurrency = 0
  }
}

run "a_key_alias_is_refused" {
  command         = plan
  expect_failures = [var.kms_key_arn]

  variables {
    kms_key_arn = "alias/platform"
  }
}

run "a_retention_that_cloudwatch_does_not_know_is_refused" {
  command         = plan
  expect_failures = [var.log_retention_days]

  variables {
    log_retention_days = 31
  }
}

run "a_topic_by_name_is_refused" {
  command         = plan
  expect_failures = [var.alarm_topic_arns]

  variables {
    alarm_topic_arns = ["alarms"]
  }
}

run "an_endpoint_of_nothing_is_refused" {
  command         = plan
  expect_failures = [var.endpoint]

  variables {
    endpoint = { arn = null, invocation_timeout = null }
  }
}

run "uploads_to_nowhere_are_refused" {
  command         = plan
  expect_failures = [var.uploads]

  variables {
    uploads = { bucket = null, prefix = null }
  }
}

run "an_empty_suffix_is_refused" {
  command         = plan
  expect_failures = [var.uploads]

  variables {
    uploads = { bucket = "platform-data", prefix = "blueprints/", suffixes = [""] }
  }
}

run "a_package_of_nothing_is_refused" {
  command         = plan
  expect_failures = [var.package]

  variables {
    package = { file = null, source_code_hash = null }
  }
}
