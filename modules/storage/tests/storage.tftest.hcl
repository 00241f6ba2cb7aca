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
    condition     = length(aws_s3_bucket_lifecycle_configuration.this) == 0
    error_message = "There is a lifecycle although nothing expires."
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
    condition     = data.aws_iam_policy_document.this.statement[1].actions == toset(["s3:GetObject", "s3:ListBucket"])
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

run "objects_versions_and_broken_uploads_expire_in_one_rule" {
  command = plan

  variables {
    expiry = { days = 30, abort_multipart_days = 2 }
  }

  assert {
    condition     = length(aws_s3_bucket_lifecycle_configuration.this[0].rule) == 1
    error_message = "There is not one rule."
  }

  assert {
    condition     = aws_s3_bucket_lifecycle_configuration.this[0].rule[0].expiration[0].days == 30
    error_message = "Objects do not expire after 30 days."
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
    expiry = { days = 0 }
  }
}

run "an_expiry_of_versions_after_half_a_day_is_refused" {
  command         = plan
  expect_failures = [var.expiry]

  variables {
    expiry = { days = 30, noncurrent_days = 0.5 }
  }
}

run "an_expiry_of_uploads_in_the_past_is_refused" {
  command         = plan
  expect_failures = [var.expiry]

  variables {
    expiry = { days = 30, abort_multipart_days = -1 }
  }
}
