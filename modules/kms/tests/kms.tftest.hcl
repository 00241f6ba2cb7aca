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

  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:eu-west-1:111122223333:key/11111111-2222-3333-4444-555555555555" }
  }
}

variables {
  name        = "platform-dev"
  description = "Data of platform-dev"
  account_id  = "111122223333"
}

run "a_key_rotates_and_goes_slowly" {
  command = plan

  assert {
    condition     = aws_kms_key.this.enable_key_rotation
    error_message = "The key does not rotate."
  }

  assert {
    condition     = aws_kms_key.this.deletion_window_in_days == 30
    error_message = "A destroyed key is gone in less than 30 days."
  }

  assert {
    condition     = aws_kms_alias.this.name == "alias/platform-dev"
    error_message = "The alias is not the name."
  }
}

run "the_account_its_log_groups_and_its_messages_use_the_key" {
  command = plan

  assert {
    condition = [for statement in data.aws_iam_policy_document.this.statement : one(statement.principals).identifiers] == [
      toset(["arn:aws:iam::111122223333:root"]),
      toset(["logs.eu-west-1.amazonaws.com"]),
      toset(["budgets.amazonaws.com", "cloudwatch.amazonaws.com", "events.amazonaws.com", "sns.amazonaws.com"]),
    ]
    error_message = "The principals are not the account, CloudWatch Logs and the senders of messages."
  }

  assert {
    condition     = one(data.aws_iam_policy_document.this.statement[1].condition).values == tolist(["arn:aws:logs:eu-west-1:111122223333:*"])
    error_message = "Log groups of other accounts could use the key."
  }

  assert {
    condition     = !contains(data.aws_iam_policy_document.this.statement[1].actions, "kms:*")
    error_message = "CloudWatch Logs may manage the key."
  }

  assert {
    condition     = data.aws_iam_policy_document.this.statement[2].actions == toset(["kms:Decrypt", "kms:GenerateDataKey*"])
    error_message = "Senders of messages may do something else than encrypt and decrypt."
  }
}

run "the_policy_is_about_the_key" {
  command = apply

  assert {
    condition     = alltrue([for statement in data.aws_iam_policy_document.this.statement : statement.resources == toset([aws_kms_key.this.arn])])
    error_message = "A statement is about something else."
  }

  assert {
    condition     = aws_kms_key_policy.this.key_id == aws_kms_key.this.key_id && output.arn == aws_kms_key.this.arn
    error_message = "The policy is not the key's."
  }
}

run "a_name_with_a_blank_is_refused" {
  command         = plan
  expect_failures = [var.name]

  variables {
    name = "platform dev"
  }
}

run "a_name_reserved_by_aws_is_refused" {
  command         = plan
  expect_failures = [var.name]

  variables {
    name = "aws/s3"
  }
}

run "an_empty_description_is_refused" {
  command         = plan
  expect_failures = [var.description]

  variables {
    description = ""
  }
}

run "an_account_id_with_hyphens_is_refused" {
  command         = plan
  expect_failures = [var.account_id]

  variables {
    account_id = "1111-2222-3333"
  }
}

run "a_deletion_window_of_six_days_is_refused" {
  command         = plan
  expect_failures = [var.deletion_window_days]

  variables {
    deletion_window_days = 6
  }
}

run "a_deletion_window_of_31_days_is_refused" {
  command         = plan
  expect_failures = [var.deletion_window_days]

  variables {
    deletion_window_days = 31
  }
}
