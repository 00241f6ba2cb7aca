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
}

variables {
  name = "platform-111122223333-eu-west-1-dev-data"
}

run "a_bucket_is_private_versioned_and_encrypted" {
  command = plan

  assert {
    condition     = alltrue([for flag in ["block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"] : aws_s3_bucket_public_access_block.this[flag]])
    error_message = "Public access is not blocked."
  }

  assert {
    condition     = aws_s3_bucket_ownership_controls.this.rule[0].object_ownership == "BucketOwnerEnforced"
    error_message = "Writers may own objects."
  }

  assert {
    condition     = aws_s3_bucket_versioning.this.versioning_configuration[0].status == "Enabled"
    error_message = "Objects have no versions."
  }

  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default).sse_algorithm == "AES256"
    error_message = "Objects are not encrypted by S3."
  }

  assert {
    condition     = !aws_s3_bucket.this.force_destroy
    error_message = "A destroy would delete objects."
  }

  assert {
    condition     = length(aws_s3_bucket_logging.this) == 0
    error_message = "Requests are logged although nobody said where to."
  }

  assert {
    condition     = [for rule in aws_s3_bucket_lifecycle_configuration.this[0].rule : "${rule.id} ${length(rule.expiration)} ${length(rule.noncurrent_version_expiration)}"] == ["clean-up 0 0"]
    error_message = "Objects or versions expire."
  }

  assert {
    condition     = aws_s3_bucket_lifecycle_configuration.this[0].rule[0].abort_incomplete_multipart_upload[0].days_after_initiation == 7
    error_message = "Broken uploads stay."
  }
}

run "requests_without_tls_are_denied_and_nobody_is_allowed" {
  command = plan

  assert {
    condition     = [for statement in data.aws_iam_policy_document.this.statement : statement.effect] == ["Deny"]
    error_message = "The policy is not one denial."
  }

  assert {
    condition     = data.aws_iam_policy_document.this.statement[0].actions == toset(["s3:*"])
    error_message = "Not every action is denied."
  }

  assert {
    condition     = data.aws_iam_policy_document.this.statement[0].resources == toset(["arn:aws:s3:::${var.name}", "arn:aws:s3:::${var.name}/*"])
    error_message = "The denial is not for the bucket and all its objects."
  }

  assert {
    condition     = [for condition in data.aws_iam_policy_document.this.statement[0].condition : "${condition.test} ${condition.variable} ${one(condition.values)}"] == ["Bool aws:SecureTransport false"]
    error_message = "The condition is not: without TLS."
  }
}

run "reader_accounts_read_and_nothing_else" {
  command = plan

  variables {
    reader_account_ids = ["444455556666"]
  }

  assert {
    condition     = data.aws_iam_policy_document.this.statement[1].actions == toset(["s3:GetObject", "s3:ListBucket", "s3:ListBucketVersions"])
    error_message = "Readers may do something else."
  }

  assert {
    condition     = one(data.aws_iam_policy_document.this.statement[1].principals).identifiers == toset(["arn:aws:iam::444455556666:root"])
    error_message = "The reader is not the account."
  }
}

run "a_key_encrypts_objects" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:eu-west-1:111122223333:key/11111111-2222-3333-4444-555555555555"
  }

  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default).kms_master_key_id == var.kms_key_arn
    error_message = "The key is not used."
  }

  assert {
    condition     = one(aws_s3_bucket_server_side_encryption_configuration.this.rule).bucket_key_enabled
    error_message = "Each object costs a request to KMS."
  }
}

run "requests_are_logged_under_the_name_of_the_bucket" {
  command = plan

  variables {
    access_log_bucket = "platform-111122223333-eu-west-1-logs"
  }

  assert {
    condition     = aws_s3_bucket_logging.this[0].target_bucket == var.access_log_bucket && aws_s3_bucket_logging.this[0].target_prefix == "${var.name}/"
    error_message = "The log lies elsewhere."
  }
}

run "s3_writes_the_logs_of_the_buckets_and_nothing_else" {
  command = plan

  variables {
    takes_access_logs_of = { account_id = "111122223333", buckets = ["platform-data", "platform-artifacts"] }
  }

  assert {
    condition     = [for statement in data.aws_iam_policy_document.this.statement : "${coalesce(statement.effect, "Allow")} ${one(one(statement.principals).identifiers)} ${one(statement.actions)}"] == ["Deny * s3:*", "Allow logging.s3.amazonaws.com s3:PutObject"]
    error_message = "The policy is not: TLS only, and S3's own logs."
  }

  assert {
    condition = { for condition in data.aws_iam_policy_document.this.statement[1].condition : "${condition.test} ${condition.variable}" => condition.values } == {
      "StringEquals aws:SourceAccount" = tolist(["111122223333"])
      "ArnLike aws:SourceArn"          = tolist(["arn:aws:s3:::platform-artifacts", "arn:aws:s3:::platform-data"])
    }
    error_message = "Logs of other buckets may be written."
  }

  assert {
    condition     = data.aws_iam_policy_document.this.statement[1].resources == toset(["arn:aws:s3:::${var.name}/platform-artifacts/*", "arn:aws:s3:::${var.name}/platform-data/*"])
    error_message = "Logs may be written elsewhere."
  }
}

run "objects_expire_by_prefix_and_leftovers_everywhere" {
  command = plan

  variables {
    expiry               = { days_by_prefix = { "rooms/inputs/" = 30, "rooms/results/" = 90 }, noncurrent_days = 7 }
    abort_multipart_days = 2
  }

  assert {
    condition     = [for rule in aws_s3_bucket_lifecycle_configuration.this[0].rule : "${rule.id} ${rule.status}"] == ["clean-up Enabled", "expire-rooms/inputs/ Enabled", "expire-rooms/results/ Enabled"]
    error_message = "The rules are others."
  }

  assert {
    condition     = [for rule in slice(aws_s3_bucket_lifecycle_configuration.this[0].rule, 1, 3) : "${rule.filter[0].prefix} ${rule.expiration[0].days}"] == ["rooms/inputs/ 30", "rooms/results/ 90"]
    error_message = "The prefixes or their days are others."
  }

  assert {
    condition     = aws_s3_bucket_lifecycle_configuration.this[0].rule[0].noncurrent_version_expiration[0].noncurrent_days == 7
    error_message = "Versions are not kept for 7 days."
  }

  assert {
    condition     = aws_s3_bucket_lifecycle_configuration.this[0].rule[0].abort_incomplete_multipart_upload[0].days_after_initiation == 2
    error_message = "Broken uploads stay."
  }
}

run "old_versions_may_go_alone" {
  command = plan

  variables {
    expiry               = { noncurrent_days = 7 }
    abort_multipart_days = null
  }

  assert {
    condition     = [for rule in aws_s3_bucket_lifecycle_configuration.this[0].rule : "${rule.id} ${length(rule.expiration)} ${rule.noncurrent_version_expiration[0].noncurrent_days} ${length(rule.abort_incomplete_multipart_upload)}"] == ["clean-up 0 7 0"]
    error_message = "Something else goes than old versions."
  }
}

run "a_bucket_that_loses_nothing_has_no_lifecycle" {
  command = plan

  variables {
    abort_multipart_days = null
  }

  assert {
    condition     = length(aws_s3_bucket_lifecycle_configuration.this) == 0
    error_message = "There is a lifecycle although nothing goes."
  }
}

run "each_rule_has_a_name_of_its_own_that_s3_takes" {
  command = plan

  variables {
    expiry = {
      days_by_prefix  = { "" = 400, "everything/" = 30, "${join("", [for n in range(30) : "long-name/"])}" = 30, "${join("", [for n in range(31) : "long-name/"])}" = 30 }
      noncurrent_days = 7
    }
  }

  assert {
    condition     = length(distinct(aws_s3_bucket_lifecycle_configuration.this[0].rule[*].id)) == 5
    error_message = "Two rules have the same name."
  }

  assert {
    condition     = alltrue([for rule in aws_s3_bucket_lifecycle_configuration.this[0].rule : length(rule.id) <= 255])
    error_message = "A name is longer than the 255 characters that S3 takes."
  }
}

run "a_name_with_an_underscore_is_refused" {
  command         = plan
  expect_failures = [var.name]

  variables {
    name = "platform_data"
  }
}

run "a_name_of_two_characters_is_refused" {
  command         = plan
  expect_failures = [var.name]

  variables {
    name = "ab"
  }
}

run "a_name_of_64_characters_is_refused" {
  command         = plan
  expect_failures = [var.name]

  variables {
    name = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
  }
}

run "a_key_id_is_refused" {
  command         = plan
  expect_failures = [var.kms_key_arn]

  variables {
    kms_key_arn = "11111111-2222-3333-4444-555555555555"
  }
}

run "an_account_name_is_refused" {
  command         = plan
  expect_failures = [var.reader_account_ids]

  variables {
    reader_account_ids = ["staging"]
  }
}

run "an_expiry_after_no_day_is_refused" {
  command         = plan
  expect_failures = [var.expiry]

  variables {
    expiry = { days_by_prefix = { "" = 0 }, noncurrent_days = 7 }
  }
}

run "an_expiry_of_a_file_name_is_refused" {
  command         = plan
  expect_failures = [var.expiry]

  variables {
    expiry = { days_by_prefix = { "rooms/*.png" = 30 }, noncurrent_days = 7 }
  }
}

run "an_expiry_below_the_root_is_refused" {
  command         = plan
  expect_failures = [var.expiry]

  variables {
    expiry = { days_by_prefix = { "/rooms/" = 30 }, noncurrent_days = 7 }
  }
}

run "an_expiry_of_versions_after_half_a_day_is_refused" {
  command         = plan
  expect_failures = [var.expiry]

  variables {
    expiry = { noncurrent_days = 0.5 }
  }
}

run "an_expiry_after_no_number_is_refused" {
  command         = plan
  expect_failures = [var.expiry]

  variables {
    expiry = { days_by_prefix = { "rooms/inputs/" = null }, noncurrent_days = 7 }
  }
}

run "an_expiry_of_a_longer_prefix_than_a_key_is_refused" {
  command         = plan
  expect_failures = [var.expiry]

  variables {
    expiry = { days_by_prefix = { "${join("", [for n in range(103) : "long-name/"])}" = 30 }, noncurrent_days = 7 }
  }
}

run "an_expiry_of_more_prefixes_than_s3_has_rules_is_refused" {
  command         = plan
  expect_failures = [var.expiry]

  variables {
    expiry = { days_by_prefix = zipmap(formatlist("rooms-%d/", range(1000)), range(1, 1001)), noncurrent_days = 7 }
  }
}

run "an_expiry_that_keeps_every_version_is_refused" {
  command         = plan
  expect_failures = [var.expiry]

  variables {
    expiry = { days_by_prefix = { "" = 365 } }
  }
}

run "an_end_of_uploads_in_the_past_is_refused" {
  command         = plan
  expect_failures = [var.abort_multipart_days]

  variables {
    abort_multipart_days = -1
  }
}

run "a_log_bucket_with_a_capital_is_refused" {
  command         = plan
  expect_failures = [var.access_log_bucket]

  variables {
    access_log_bucket = "Logs"
  }
}

run "a_bucket_that_logs_to_itself_is_refused" {
  command         = plan
  expect_failures = [var.access_log_bucket]

  variables {
    access_log_bucket = "platform-111122223333-eu-west-1-dev-data"
  }
}

run "logs_of_an_account_name_are_refused" {
  command         = plan
  expect_failures = [var.takes_access_logs_of]

  variables {
    takes_access_logs_of = { account_id = "staging", buckets = ["platform-data"] }
  }
}

run "logs_of_no_account_are_refused" {
  command         = plan
  expect_failures = [var.takes_access_logs_of]

  variables {
    takes_access_logs_of = { account_id = null, buckets = ["platform-data"] }
  }
}

run "logs_of_no_bucket_are_refused" {
  command         = plan
  expect_failures = [var.takes_access_logs_of]

  variables {
    takes_access_logs_of = { account_id = "111122223333", buckets = [] }
  }
}

run "logs_of_null_buckets_are_refused" {
  command         = plan
  expect_failures = [var.takes_access_logs_of]

  variables {
    takes_access_logs_of = { account_id = "111122223333", buckets = null }
  }
}

run "logs_of_all_buckets_are_refused" {
  command         = plan
  expect_failures = [var.takes_access_logs_of]

  variables {
    takes_access_logs_of = { account_id = "111122223333", buckets = ["*"] }
  }
}

run "logs_under_a_key_are_refused" {
  command         = plan
  expect_failures = [var.takes_access_logs_of]

  variables {
    takes_access_logs_of = { account_id = "111122223333", buckets = ["platform-data"] }
    kms_key_arn          = "arn:aws:kms:eu-west-1:111122223333:key/11111111-2222-3333-4444-555555555555"
  }
}

run "eventbridge_hears_of_objects_only_when_it_is_asked_for" {
  command = plan

  assert {
    condition     = length(aws_s3_bucket_notification.this) == 0
    error_message = "EventBridge hears of objects."
  }
}

run "eventbridge_hears_of_objects" {
  command = plan

  variables {
    events = true
  }

  assert {
    condition     = one(aws_s3_bucket_notification.this).eventbridge
    error_message = "EventBridge does not hear of objects."
  }
}
