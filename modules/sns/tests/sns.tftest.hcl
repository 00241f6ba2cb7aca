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
  name       = "platform-dev-rooms"
  account_id = "111122223333"
}

run "there_is_a_topic_for_results_and_one_for_failures" {
  command = plan

  assert {
    condition     = { for outcome, topic in aws_sns_topic.this : outcome => topic.name } == { success = "platform-dev-rooms-success", error = "platform-dev-rooms-error" }
    error_message = "The topics are not the two."
  }

  assert {
    condition     = alltrue([for topic in aws_sns_topic.this : topic.kms_master_key_id == "alias/aws/sns"])
    error_message = "Messages are not encrypted."
  }

  assert {
    condition     = length(aws_sns_topic_subscription.this) == 0
    error_message = "Somebody is subscribed."
  }
}

run "sagemaker_publishes_for_this_account_over_tls" {
  command = plan

  assert {
    condition = alltrue([
      for document in data.aws_iam_policy_document.this :
      [for statement in document.statement : "${coalesce(statement.effect, "Allow")} ${one(one(statement.principals).identifiers)} ${one(statement.actions)} if ${one(statement.condition).variable} is ${one(one(statement.condition).values)}"] == [
        "Allow sagemaker.amazonaws.com sns:Publish if aws:SourceAccount is 111122223333",
        "Deny * sns:Publish if aws:SecureTransport is false",
      ]
    ])
    error_message = "The policy is not: SageMaker of this account, and only over TLS."
  }

  assert {
    condition     = [for document in data.aws_iam_policy_document.this : one(document.statement[0].resources)] == ["arn:aws:sns:eu-west-1:111122223333:platform-dev-rooms-error", "arn:aws:sns:eu-west-1:111122223333:platform-dev-rooms-success"]
    error_message = "The policy of a topic is not about that topic."
  }
}

run "every_subscriber_hears_of_both_outcomes" {
  command = plan

  variables {
    subscribers = {
      emails         = ["platform-team@example.com"]
      sqs_queue_arns = ["arn:aws:sqs:eu-west-1:111122223333:results"]
      https          = ["https://example.com/hook"]
    }
  }

  assert {
    condition = sort([for subscription in aws_sns_topic_subscription.this : "${subscription.protocol} ${subscription.endpoint}"]) == sort(concat(
      ["email platform-team@example.com", "https https://example.com/hook", "sqs arn:aws:sqs:eu-west-1:111122223333:results"],
      ["email platform-team@example.com", "https https://example.com/hook", "sqs arn:aws:sqs:eu-west-1:111122223333:results"],
    ))
    error_message = "Not each of the three is subscribed twice."
  }
}

run "a_key_encrypts_messages" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:eu-west-1:111122223333:key/11111111-2222-3333-4444-555555555555"
  }

  assert {
    condition     = alltrue([for topic in aws_sns_topic.this : topic.kms_master_key_id == var.kms_key_arn])
    error_message = "The key is not used."
  }
}

run "a_name_with_a_dot_is_refused" {
  command         = plan
  expect_failures = [var.name]

  variables {
    name = "platform.dev"
  }
}

run "a_short_account_id_is_refused" {
  command         = plan
  expect_failures = [var.account_id]

  variables {
    account_id = "1111"
  }
}

run "a_key_alias_is_refused" {
  command         = plan
  expect_failures = [var.kms_key_arn]

  variables {
    kms_key_arn = "alias/platform"
  }
}

run "an_address_without_a_domain_is_refused" {
  command         = plan
  expect_failures = [var.subscribers]

  variables {
    subscribers = { emails = ["platform-team"] }
  }
}

run "a_queue_url_is_refused" {
  command         = plan
  expect_failures = [var.subscribers]

  variables {
    subscribers = { sqs_queue_arns = ["https://sqs.eu-west-1.amazonaws.com/111122223333/results"] }
  }
}

run "a_fifo_queue_is_refused" {
  command         = plan
  expect_failures = [var.subscribers]

  variables {
    subscribers = { sqs_queue_arns = ["arn:aws:sqs:eu-west-1:111122223333:results.fifo"] }
  }
}

run "an_address_without_tls_is_refused" {
  command         = plan
  expect_failures = [var.subscribers]

  variables {
    subscribers = { https = ["http://example.com/hook"] }
  }
}
