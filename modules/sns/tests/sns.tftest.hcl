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

  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:eu-west-1:111122223333:platform-dev-rooms" }
  }

  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:eu-west-1:111122223333:platform-dev-rooms-notifications" }
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

run "a_queue_gets_both_topics_and_keeps_what_nobody_could_handle" {
  command = plan

  variables {
    queue       = { max_receives = 3 }
    subscribers = { https = ["https://example.com/hook"] }
  }

  assert {
    condition     = { for key, subscription in aws_sns_topic_subscription.this : key => subscription.protocol if subscription.protocol == "sqs" } == { "error arn:aws:sqs:eu-west-1:111122223333:platform-dev-rooms-notifications" = "sqs", "success arn:aws:sqs:eu-west-1:111122223333:platform-dev-rooms-notifications" = "sqs" }
    error_message = "The queue is not subscribed to both topics."
  }

  assert {
    condition     = jsondecode(aws_sqs_queue.dead_letters[0].redrive_allow_policy) == { redrivePermission = "byQueue", sourceQueueArns = ["arn:aws:sqs:eu-west-1:111122223333:platform-dev-rooms-notifications"] }
    error_message = "Other queues may send their dead letters here."
  }

  assert {
    condition     = aws_sqs_queue.messages[0].sqs_managed_sse_enabled && aws_sqs_queue.dead_letters[0].sqs_managed_sse_enabled && aws_sqs_queue.dead_letters[0].message_retention_seconds == 1209600
    error_message = "A queue is not encrypted, or dead letters go early."
  }

  assert {
    condition     = [for key, subscription in aws_sns_topic_subscription.this : jsondecode(subscription.redrive_policy).deadLetterTargetArn if subscription.protocol == "https"] == [for outcome in ["error", "success"] : "arn:aws:sqs:eu-west-1:111122223333:platform-dev-rooms-notifications-dead-letters"]
    error_message = "What a webhook does not take is lost."
  }

  assert {
    condition = alltrue([
      for purpose, document in data.aws_iam_policy_document.queue :
      [for statement in document.statement : "${coalesce(statement.effect, "Allow")} ${one(one(statement.principals).identifiers)} ${one(statement.actions)} ${one(statement.resources)} if ${one(statement.condition).variable} is ${join(" ", sort(one(statement.condition).values))}"] == [
        "Allow sns.amazonaws.com sqs:SendMessage ${local.queue_arns[purpose]} if aws:SourceArn is ${local.topic_arns.error} ${local.topic_arns.success}",
        "Deny * sqs:* ${local.queue_arns[purpose]} if aws:SecureTransport is false",
      ]
    ])
    error_message = "The policy of a queue is not: these two topics, over TLS."
  }
}

run "dead_letters_follow_three_receives" {
  command = apply

  variables {
    queue = { max_receives = 3 }
  }

  assert {
    condition     = jsondecode(aws_sqs_queue.messages[0].redrive_policy) == { deadLetterTargetArn = aws_sqs_queue.dead_letters[0].arn, maxReceiveCount = 3 }
    error_message = "A message is received for ever."
  }

  assert {
    condition     = output.queue.name == "platform-dev-rooms-notifications" && output.dead_letter_queue.name == "platform-dev-rooms-notifications-dead-letters"
    error_message = "The queues have other names."
  }
}

run "a_key_encrypts_the_queues" {
  command = plan

  variables {
    queue       = {}
    kms_key_arn = "arn:aws:kms:eu-west-1:111122223333:key/11111111-2222-3333-4444-555555555555"
  }

  assert {
    condition     = aws_sqs_queue.messages[0].kms_master_key_id == var.kms_key_arn && aws_sqs_queue.dead_letters[0].kms_master_key_id == var.kms_key_arn
    error_message = "The key is not used."
  }
}

run "a_filter_is_for_one_kind_of_subscriber" {
  command = plan

  variables {
    subscribers     = { emails = ["platform-team@example.com"], https = ["https://example.com/hook"] }
    filter_policies = { emails = "{\"invocationStatus\": [\"Failed\"]}" }
  }

  assert {
    condition     = alltrue([for subscription in aws_sns_topic_subscription.this : jsondecode(subscription.filter_policy) == { invocationStatus = ["Failed"] } && subscription.filter_policy_scope == "MessageBody" if subscription.protocol == "email"])
    error_message = "Mail is not filtered by what the message says."
  }

  assert {
    condition     = alltrue([for subscription in aws_sns_topic_subscription.this : subscription.filter_policy == null if subscription.protocol == "https"])
    error_message = "The webhook is filtered too."
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

run "a_message_hidden_for_a_day_is_refused" {
  command         = plan
  expect_failures = [var.queue]

  variables {
    queue = { visibility_timeout_seconds = 86400 }
  }
}

run "a_retention_of_a_second_is_refused" {
  command         = plan
  expect_failures = [var.queue]

  variables {
    queue = { retention_seconds = 1 }
  }
}

run "a_message_that_is_never_received_is_refused" {
  command         = plan
  expect_failures = [var.queue]

  variables {
    queue = { max_receives = 0 }
  }
}

run "a_queue_of_a_long_name_is_refused" {
  command         = plan
  expect_failures = [var.queue]

  variables {
    name  = "platform-dev-rooms-and-halls-and-corridors-and-all-the-stairs"
    queue = {}
  }
}

run "a_filter_that_is_no_json_is_refused" {
  command         = plan
  expect_failures = [var.filter_policies]

  variables {
    filter_policies = { emails = "invocationStatus = Failed" }
  }
}

run "a_filter_of_six_keys_is_refused" {
  command         = plan
  expect_failures = [var.filter_policies]

  variables {
    filter_policies = { https = "{\"a\": [1], \"b\": [1], \"c\": [1], \"d\": [1], \"e\": [1], \"f\": [1]}" }
  }
}

run "a_filter_for_no_queue_is_refused" {
  command         = plan
  expect_failures = [var.filter_policies]

  variables {
    filter_policies = { queue = "{\"invocationStatus\": [\"Failed\"]}" }
  }
}

run "subscribers_of_nothing_are_refused" {
  command         = plan
  expect_failures = [var.subscribers]

  variables {
    subscribers = { emails = [null], sqs_queue_arns = [null], https = [null] }
  }
}
