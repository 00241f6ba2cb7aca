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
    defaults = { arn = "arn:aws:sns:eu-west-1:111122223333:platform-dev-alarms" }
  }
}

variables {
  name       = "platform-dev"
  account_id = "111122223333"
  recipients = { emails = ["on-call@example.com"], https = ["https://hooks.example.com/alarms"] }

  endpoints = {
    rooms = {
      name               = "platform-dev-rooms"
      log_group_name     = "/aws/sagemaker/Endpoints/platform-dev-rooms"
      success_topic_name = "platform-dev-rooms-success"
      error_topic_name   = "platform-dev-rooms-error"
      timeouts           = { startup = 900, model_download = 600, invocation = 300 }
      alarms             = {}
    }
  }
}

run "each_failure_of_a_variant_is_counted_over_five_minutes" {
  command = plan

  assert {
    condition = { for id, alarm in aws_cloudwatch_metric_alarm.events : id => "${alarm.alarm_name} ${alarm.threshold}" } == {
      "rooms Invocation5XXErrors"     = "platform-dev-rooms-Invocation5XXErrors 1"
      "rooms ExpiredRequests"         = "platform-dev-rooms-ExpiredRequests 1"
      "rooms InvocationFailures"      = "platform-dev-rooms-InvocationFailures 5"
      "rooms NotificationFailures"    = "platform-dev-rooms-NotificationFailures 1"
      "rooms RequestDownloadFailures" = "platform-dev-rooms-RequestDownloadFailures 1"
      "rooms ResponseUploadFailures"  = "platform-dev-rooms-ResponseUploadFailures 1"
    }
    error_message = "Other events are counted, or have other thresholds."
  }

  assert {
    condition     = alltrue([for id, alarm in aws_cloudwatch_metric_alarm.events : alarm.namespace == "AWS/SageMaker" && id == "rooms ${alarm.metric_name}" && alarm.dimensions == tomap({ EndpointName = "platform-dev-rooms", VariantName = "AllTraffic" })])
    error_message = "An alarm watches another metric or other dimensions."
  }

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.events : alarm.statistic == "Sum" && alarm.period == 300 && alarm.evaluation_periods == 1 && alarm.comparison_operator == "GreaterThanOrEqualToThreshold"])
    error_message = "Events are not counted over five minutes."
  }

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.events : alarm.treat_missing_data == "notBreaching"])
    error_message = "An endpoint without requests would raise alarms."
  }
}

run "thresholds_are_those_of_the_endpoint" {
  command = plan

  variables {
    endpoints = {
      rooms = {
        name               = "platform-dev-rooms"
        log_group_name     = "/aws/sagemaker/Endpoints/platform-dev-rooms"
        success_topic_name = "platform-dev-rooms-success"
        error_topic_name   = "platform-dev-rooms-error"
        timeouts           = { startup = 900, model_download = 600, invocation = 300 }
        alarms             = { failures = 11, server_errors = 12, expired_requests = 13, transfer_failures = 14, notification_failures = 15, oldest_request_minutes = 16, without_capacity_minutes = 17 }
      }
    }
  }

  assert {
    condition = { for id, alarm in aws_cloudwatch_metric_alarm.events : alarm.metric_name => alarm.threshold } == {
      InvocationFailures      = 11
      Invocation5XXErrors     = 12
      ExpiredRequests         = 13
      RequestDownloadFailures = 14
      ResponseUploadFailures  = 14
      NotificationFailures    = 15
    }
    error_message = "A threshold is another."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.oldest_request["rooms"].threshold == 960
    error_message = "The oldest request may have another age."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.without_capacity["rooms"].evaluation_periods == 17
    error_message = "Another time without capacity is accepted."
  }
}

run "a_request_that_waits_for_an_hour_is_told" {
  command = plan

  assert {
    condition     = aws_cloudwatch_metric_alarm.oldest_request["rooms"].metric_name == "ApproximateAgeOfOldestRequest" && aws_cloudwatch_metric_alarm.oldest_request["rooms"].statistic == "Maximum" && aws_cloudwatch_metric_alarm.oldest_request["rooms"].threshold == 3600
    error_message = "The alarm is not on an age of an hour."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.oldest_request["rooms"].dimensions == tomap({ EndpointName = "platform-dev-rooms" })
    error_message = "The metric of the queue has the name of the endpoint as its only dimension."
  }
}

run "twenty_minutes_without_capacity_are_told" {
  command = plan

  assert {
    condition     = aws_cloudwatch_metric_alarm.without_capacity["rooms"].metric_name == "HasBacklogWithoutCapacity" && aws_cloudwatch_metric_alarm.without_capacity["rooms"].statistic == "Minimum" && aws_cloudwatch_metric_alarm.without_capacity["rooms"].threshold == 1
    error_message = "The alarm is not on a backlog that has no capacity all the time."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.without_capacity["rooms"].period == 60 && aws_cloudwatch_metric_alarm.without_capacity["rooms"].evaluation_periods == 20
    error_message = "The time is not twenty minutes."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.without_capacity["rooms"].dimensions == tomap({ EndpointName = "platform-dev-rooms" })
    error_message = "The metric of the queue has the name of the endpoint as its only dimension."
  }
}

run "an_endpoint_that_does_not_leave_zero_is_told_by_other_metrics_than_those_that_scale_it" {
  command = plan

  assert {
    condition = { for query in aws_cloudwatch_metric_alarm.stuck["rooms"].metric_query : query.id => coalesce(one([for metric in query.metric : "${metric.metric_name} ${metric.stat} ${metric.period} ${jsonencode(metric.dimensions)}"]), query.expression) } == {
      stuck   = "IF(waiting > 0 AND FILL(done, 0) + FILL(failed, 0) == 0, 1, 0)"
      waiting = "ApproximateBacklogSize Minimum 300 {\"EndpointName\":\"platform-dev-rooms\"}"
      done    = "InvocationsProcessed Sum 300 {\"EndpointName\":\"platform-dev-rooms\",\"VariantName\":\"AllTraffic\"}"
      failed  = "InvocationFailures Sum 300 {\"EndpointName\":\"platform-dev-rooms\",\"VariantName\":\"AllTraffic\"}"
    }
    error_message = "The alarm is not on requests that wait while none is done."
  }

  assert {
    condition     = [for query in aws_cloudwatch_metric_alarm.stuck["rooms"].metric_query : query.id if query.return_data == true] == ["stuck"]
    error_message = "The alarm looks at another series."
  }

  # 900 s and 600 s of a cold start and 300 s of a request are six periods of five minutes; one more for the wake.
  assert {
    condition     = aws_cloudwatch_metric_alarm.stuck["rooms"].evaluation_periods == 7
    error_message = "The alarm does not wait for a cold start and one request."
  }
}

run "alarms_tell_their_begin_and_their_end_to_the_topic" {
  command = apply

  assert {
    condition = alltrue([
      for alarm in concat(values(aws_cloudwatch_metric_alarm.events), values(aws_cloudwatch_metric_alarm.oldest_request), values(aws_cloudwatch_metric_alarm.without_capacity), values(aws_cloudwatch_metric_alarm.stuck)) :
      alarm.alarm_actions == toset([output.topic_arn]) && alarm.ok_actions == toset([output.topic_arn])
    ])
    error_message = "An alarm tells somebody else."
  }

  assert {
    condition     = { for address, one in aws_sns_topic_subscription.alarms : address => one.protocol } == { "on-call@example.com" = "email", "https://hooks.example.com/alarms" = "https" }
    error_message = "The recipients are others."
  }

  assert {
    condition     = length(output.alarm_names.rooms) == 9 && length(distinct(output.alarm_names.rooms)) == 9
    error_message = "The endpoint has not nine alarms."
  }

  assert {
    condition     = output.dashboard_names == { rooms = "platform-dev-rooms-eu-west-1" }
    error_message = "The dashboard has another name."
  }
}

run "alarms_and_budgets_of_this_account_alone_publish" {
  command = plan

  assert {
    condition     = [for statement in data.aws_iam_policy_document.topic.statement : [statement.sid, one(statement.principals).identifiers, one(statement.condition).values] if statement.effect != "Deny"] == [["AlarmsAndBudgetsPublish", toset(["budgets.amazonaws.com", "cloudwatch.amazonaws.com"]), tolist(["111122223333"])]]
    error_message = "Somebody else may publish."
  }

  assert {
    condition     = alltrue([for statement in data.aws_iam_policy_document.topic.statement : statement.resources == toset(["arn:aws:sns:eu-west-1:111122223333:platform-dev-alarms"]) && statement.actions == toset(["sns:Publish"])])
    error_message = "The policy is on something else than publishing to the topic."
  }

  assert {
    condition     = [for statement in data.aws_iam_policy_document.topic.statement : one(statement.condition).variable if statement.effect == "Deny"] == ["aws:SecureTransport"]
    error_message = "Messages may be sent without TLS."
  }

  assert {
    condition     = aws_sns_topic.alarms.kms_master_key_id == null
    error_message = "The topic has a key that alarms cannot use."
  }
}

run "messages_are_encrypted_with_the_key" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:eu-west-1:111122223333:key/11111111-2222-3333-4444-555555555555"
  }

  assert {
    condition     = aws_sns_topic.alarms.kms_master_key_id == var.kms_key_arn
    error_message = "The topic is not encrypted with the key."
  }
}

run "an_endpoint_without_alarms_has_a_dashboard" {
  command = plan

  variables {
    endpoints = {
      rooms = {
        name               = "platform-dev-rooms"
        log_group_name     = "/aws/sagemaker/Endpoints/platform-dev-rooms"
        success_topic_name = "platform-dev-rooms-success"
        error_topic_name   = "platform-dev-rooms-error"
        timeouts           = { startup = 900, model_download = 600, invocation = 300 }
      }
    }
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.events) + length(aws_cloudwatch_metric_alarm.oldest_request) + length(aws_cloudwatch_metric_alarm.without_capacity) + length(aws_cloudwatch_metric_alarm.stuck) == 0
    error_message = "There is an alarm."
  }

  assert {
    condition     = length([for widget in jsondecode(aws_cloudwatch_dashboard.this["rooms"].dashboard_body).widgets : widget.type if widget.type == "alarm"]) == 0 && length(output.alarm_names.rooms) == 0
    error_message = "The dashboard shows alarms."
  }
}

run "the_dashboard_follows_a_request_from_the_queue_to_its_notification" {
  command = plan

  assert {
    condition     = [for widget in jsondecode(aws_cloudwatch_dashboard.this["rooms"].dashboard_body).widgets : split(":", widget.properties.markdown)[0] if widget.type == "text"] == ["**1. Queue", "**2. Input", "**3. Model", "**4. Result", "**5. Notification"]
    error_message = "The stations are others."
  }

  assert {
    condition     = [for widget in jsondecode(aws_cloudwatch_dashboard.this["rooms"].dashboard_body).widgets : length(widget.properties.alarms) if widget.type == "alarm"] == [9]
    error_message = "The alarms are not shown."
  }

  assert {
    condition     = one([for widget in jsondecode(aws_cloudwatch_dashboard.this["rooms"].dashboard_body).widgets : widget.properties.metrics if try(widget.properties.title, "") == "Waiting requests"]) == [["AWS/SageMaker", "ApproximateBacklogSize", "EndpointName", "platform-dev-rooms", { stat = "Maximum" }], ["AWS/SageMaker", "ApproximateBacklogSizePerInstance", "EndpointName", "platform-dev-rooms", { stat = "Average" }]]
    error_message = "A graph has other metrics."
  }

  assert {
    condition     = one([for widget in jsondecode(aws_cloudwatch_dashboard.this["rooms"].dashboard_body).widgets : widget.properties.query if widget.type == "log"]) == "SOURCE '/aws/sagemaker/Endpoints/platform-dev-rooms' | fields @timestamp, @log, @message | filter @message like 'INFERENCE-ID' | sort @timestamp asc | limit 200"
    error_message = "The logs are not those of the request."
  }

  assert {
    condition     = [for variable in jsondecode(aws_cloudwatch_dashboard.this["rooms"].dashboard_body).variables : "${variable.type} ${variable.pattern} ${variable.inputType}"] == ["pattern INFERENCE-ID input"]
    error_message = "There is no field for the id of a request."
  }
}

run "the_dashboard_of_an_endpoint_with_a_trigger_begins_with_the_upload" {
  command = plan

  variables {
    endpoints = {
      rooms = {
        name               = "platform-dev-rooms"
        log_group_name     = "/aws/sagemaker/Endpoints/platform-dev-rooms"
        success_topic_name = "platform-dev-rooms-success"
        error_topic_name   = "platform-dev-rooms-error"
        timeouts           = { startup = 900, model_download = 600, invocation = 300 }
        trigger            = { function_name = "platform-dev-rooms-trigger", log_group_name = "/aws/lambda/platform-dev-rooms-trigger", dead_letter_queue_name = "platform-dev-rooms-dead" }
      }
    }
  }

  assert {
    condition     = [for widget in jsondecode(aws_cloudwatch_dashboard.this["rooms"].dashboard_body).widgets : split(":", widget.properties.markdown)[0] if widget.type == "text"][0] == "**1. Upload"
    error_message = "The way does not begin with the upload."
  }

  assert {
    condition     = one([for widget in jsondecode(aws_cloudwatch_dashboard.this["rooms"].dashboard_body).widgets : widget.properties.metrics if try(widget.properties.title, "") == "Uploads given up"]) == [["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "platform-dev-rooms-dead", { stat = "Maximum" }]]
    error_message = "The queue of uploads is not shown."
  }

  assert {
    condition     = startswith(one([for widget in jsondecode(aws_cloudwatch_dashboard.this["rooms"].dashboard_body).widgets : widget.properties.query if widget.type == "log"]), "SOURCE '/aws/lambda/platform-dev-rooms-trigger' | SOURCE '/aws/sagemaker/Endpoints/platform-dev-rooms' | ")
    error_message = "What the trigger has logged is left out."
  }
}

run "a_trigger_without_dead_letters_has_no_graph_of_them" {
  command = plan

  variables {
    endpoints = {
      rooms = {
        name               = "platform-dev-rooms"
        log_group_name     = "/aws/sagemaker/Endpoints/platform-dev-rooms"
        success_topic_name = "platform-dev-rooms-success"
        error_topic_name   = "platform-dev-rooms-error"
        timeouts           = { startup = 900, model_download = 600, invocation = 300 }
        trigger            = { function_name = "platform-dev-rooms-trigger", log_group_name = "/aws/lambda/platform-dev-rooms-trigger" }
      }
    }
  }

  assert {
    condition     = [for widget in jsondecode(aws_cloudwatch_dashboard.this["rooms"].dashboard_body).widgets : widget.properties.title if startswith(try(widget.properties.title, ""), "Uploads")] == ["Uploads handled"]
    error_message = "There is a graph of a queue that is not there."
  }
}

run "a_first_dead_letter_is_told_by_an_alarm_with_the_name_of_its_queue" {
  command = apply

  variables {
    endpoints = {
      rooms = {
        name                   = "platform-dev-rooms"
        log_group_name         = "/aws/sagemaker/Endpoints/platform-dev-rooms"
        success_topic_name     = "platform-dev-rooms-success"
        error_topic_name       = "platform-dev-rooms-error"
        timeouts               = { startup = 900, model_download = 600, invocation = 300 }
        dead_letter_queue_name = "platform-dev-rooms-notifications-dead-letters"
      }
    }
  }

  assert {
    condition     = [for alarm in aws_cloudwatch_metric_alarm.dead_letters : "${alarm.alarm_name} ${alarm.namespace} ${alarm.metric_name} ${alarm.statistic} ${alarm.threshold} ${alarm.dimensions["QueueName"]}"] == ["platform-dev-rooms-notifications-dead-letters AWS/SQS ApproximateNumberOfMessagesVisible Maximum 1 platform-dev-rooms-notifications-dead-letters"]
    error_message = "The alarm is not on a first message."
  }

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.dead_letters : alarm.alarm_actions == toset([output.topic_arn]) && alarm.ok_actions == toset([output.topic_arn])])
    error_message = "Begin or end is not told."
  }
}

run "the_alarms_of_dead_letters_and_of_the_trigger_are_among_those_of_the_endpoint" {
  command = plan

  variables {
    endpoints = {
      rooms = {
        name                   = "platform-dev-rooms"
        log_group_name         = "/aws/sagemaker/Endpoints/platform-dev-rooms"
        success_topic_name     = "platform-dev-rooms-success"
        error_topic_name       = "platform-dev-rooms-error"
        timeouts               = { startup = 900, model_download = 600, invocation = 300 }
        dead_letter_queue_name = "platform-dev-rooms-notifications-dead-letters"
        trigger                = { function_name = "platform-dev-rooms-uploads", log_group_name = "/aws/lambda/platform-dev-rooms-uploads", alarm_names = ["platform-dev-rooms-uploads-lost"] }
      }
    }
  }

  assert {
    condition     = output.alarm_names.rooms == tolist(["platform-dev-rooms-notifications-dead-letters", "platform-dev-rooms-uploads-lost"])
    error_message = "An alarm is missing among those of the endpoint."
  }

  assert {
    condition     = [for widget in jsondecode(aws_cloudwatch_dashboard.this["rooms"].dashboard_body).widgets : [for arn in widget.properties.alarms : split(":alarm:", arn)[1]] if widget.type == "alarm"] == [["platform-dev-rooms-notifications-dead-letters", "platform-dev-rooms-uploads-lost"]]
    error_message = "The dashboard does not show them."
  }
}

run "a_budget_counts_what_has_the_tag_and_tells_the_topic" {
  command = apply

  variables {
    budget    = { usd = 200.5, tag_value = "dev" }
    endpoints = {}
  }

  assert {
    condition     = "${aws_budgets_budget.this[0].name} ${aws_budgets_budget.this[0].budget_type} ${aws_budgets_budget.this[0].time_unit} ${aws_budgets_budget.this[0].limit_amount} ${aws_budgets_budget.this[0].limit_unit}" == "platform-dev-eu-west-1 COST MONTHLY 200.5 USD"
    error_message = "The budget is another."
  }

  assert {
    condition     = [for filter in aws_budgets_budget.this[0].cost_filter : "${filter.name} ${join(" ", filter.values)}"] == ["TagKeyValue user:environment$dev"]
    error_message = "The budget counts something else."
  }

  assert {
    condition     = sort([for told in aws_budgets_budget.this[0].notification : "${told.notification_type} ${told.threshold}${told.threshold_type}"]) == tolist(["ACTUAL 80PERCENTAGE", "FORECASTED 100PERCENTAGE"])
    error_message = "People are told at other points."
  }

  assert {
    condition     = alltrue([for told in aws_budgets_budget.this[0].notification : told.subscriber_sns_topic_arns == toset([output.topic_arn])])
    error_message = "Somebody else is told."
  }
}

run "without_a_budget_there_is_none" {
  command = plan

  assert {
    condition     = length(aws_budgets_budget.this) == 0
    error_message = "There is a budget."
  }
}

run "a_name_with_an_underscore_is_refused" {
  command         = plan
  expect_failures = [var.name]

  variables {
    name = "platform_dev"
  }
}

run "an_account_id_of_letters_is_refused" {
  command         = plan
  expect_failures = [var.account_id]

  variables {
    account_id = "production"
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
  expect_failures = [var.recipients]

  variables {
    recipients = { emails = ["on-call"] }
  }
}

run "a_web_address_without_tls_is_refused" {
  command         = plan
  expect_failures = [var.recipients]

  variables {
    recipients = { https = ["http://hooks.example.com"] }
  }
}

run "a_budget_of_nothing_is_refused" {
  command         = plan
  expect_failures = [var.budget]

  variables {
    budget = { usd = 0, tag_value = "dev" }
  }
}

run "a_budget_of_everything_is_refused" {
  command         = plan
  expect_failures = [var.budget]

  variables {
    budget = { usd = 1, tag_value = "*" }
  }
}


run "an_endpoint_name_with_an_underscore_is_refused" {
  command         = plan
  expect_failures = [var.endpoints]

  variables {
    endpoints = {
      rooms = {
        name               = "platform_dev"
        log_group_name     = "/aws/sagemaker/Endpoints/platform-dev-rooms"
        success_topic_name = "platform-dev-rooms-success"
        error_topic_name   = "platform-dev-rooms-error"
        timeouts           = { startup = 900, model_download = 600, invocation = 300 }
      }
    }
  }
}

run "a_variant_name_with_a_blank_is_refused" {
  command         = plan
  expect_failures = [var.endpoints]

  variables {
    endpoints = {
      rooms = {
        name               = "platform-dev-rooms"
        log_group_name     = "/aws/sagemaker/Endpoints/platform-dev-rooms"
        success_topic_name = "platform-dev-rooms-success"
        error_topic_name   = "platform-dev-rooms-error"
        timeouts           = { startup = 900, model_download = 600, invocation = 300 }
        variant_name       = "All Traffic"
      }
    }
  }
}

run "a_log_group_with_a_quote_is_refused" {
  command         = plan
  expect_failures = [var.endpoints]

  variables {
    endpoints = {
      rooms = {
        name               = "platform-dev-rooms"
        log_group_name     = "/aws/x' | SOURCE '/secret"
        success_topic_name = "platform-dev-rooms-success"
        error_topic_name   = "platform-dev-rooms-error"
        timeouts           = { startup = 900, model_download = 600, invocation = 300 }
      }
    }
  }
}

run "a_log_group_of_a_trigger_with_a_quote_is_refused" {
  command         = plan
  expect_failures = [var.endpoints]

  variables {
    endpoints = {
      rooms = {
        name               = "platform-dev-rooms"
        log_group_name     = "/aws/sagemaker/Endpoints/platform-dev-rooms"
        success_topic_name = "platform-dev-rooms-success"
        error_topic_name   = "platform-dev-rooms-error"
        timeouts           = { startup = 900, model_download = 600, invocation = 300 }
        trigger            = { function_name = "trigger", log_group_name = "/aws/x' | SOURCE '/secret" }
      }
    }
  }
}

run "a_topic_arn_is_refused" {
  command         = plan
  expect_failures = [var.endpoints]

  variables {
    endpoints = {
      rooms = {
        name               = "platform-dev-rooms"
        log_group_name     = "/aws/sagemaker/Endpoints/platform-dev-rooms"
        success_topic_name = "platform-dev-rooms-success"
        error_topic_name   = "arn:aws:sns:eu-west-1:111122223333:error"
        timeouts           = { startup = 900, model_download = 600, invocation = 300 }
      }
    }
  }
}

run "a_timeout_of_more_than_an_hour_is_refused" {
  command         = plan
  expect_failures = [var.endpoints]

  variables {
    endpoints = {
      rooms = {
        name               = "platform-dev-rooms"
        log_group_name     = "/aws/sagemaker/Endpoints/platform-dev-rooms"
        success_topic_name = "platform-dev-rooms-success"
        error_topic_name   = "platform-dev-rooms-error"
        timeouts           = { startup = 3601, model_download = 600, invocation = 300 }
      }
    }
  }
}

run "a_threshold_of_zero_is_refused" {
  command         = plan
  expect_failures = [var.endpoints]

  variables {
    endpoints = {
      rooms = {
        name               = "platform-dev-rooms"
        log_group_name     = "/aws/sagemaker/Endpoints/platform-dev-rooms"
        success_topic_name = "platform-dev-rooms-success"
        error_topic_name   = "platform-dev-rooms-error"
        timeouts           = { startup = 900, model_download = 600, invocation = 300 }
        alarms             = { failures = 0 }
      }
    }
  }
}

run "half_a_failure_is_refused" {
  command         = plan
  expect_failures = [var.endpoints]

  variables {
    endpoints = {
      rooms = {
        name               = "platform-dev-rooms"
        log_group_name     = "/aws/sagemaker/Endpoints/platform-dev-rooms"
        success_topic_name = "platform-dev-rooms-success"
        error_topic_name   = "platform-dev-rooms-error"
        timeouts           = { startup = 900, model_download = 600, invocation = 300 }
        alarms             = { failures = 1.5 }
      }
    }
  }
}

run "an_age_that_no_request_reaches_is_refused" {
  command         = plan
  expect_failures = [var.endpoints]

  variables {
    endpoints = {
      rooms = {
        name               = "platform-dev-rooms"
        log_group_name     = "/aws/sagemaker/Endpoints/platform-dev-rooms"
        success_topic_name = "platform-dev-rooms-success"
        error_topic_name   = "platform-dev-rooms-error"
        timeouts           = { startup = 900, model_download = 600, invocation = 300 }
        alarms             = { oldest_request_minutes = 361 }
      }
    }
  }
}

run "a_day_without_capacity_is_refused" {
  command         = plan
  expect_failures = [var.endpoints]

  variables {
    endpoints = {
      rooms = {
        name               = "platform-dev-rooms"
        log_group_name     = "/aws/sagemaker/Endpoints/platform-dev-rooms"
        success_topic_name = "platform-dev-rooms-success"
        error_topic_name   = "platform-dev-rooms-error"
        timeouts           = { startup = 900, model_download = 600, invocation = 300 }
        alarms             = { without_capacity_minutes = 1440 }
      }
    }
  }
}

run "a_queue_arn_is_refused" {
  command         = plan
  expect_failures = [var.endpoints]

  variables {
    endpoints = {
      rooms = {
        name                   = "platform-dev-rooms"
        log_group_name         = "/aws/sagemaker/Endpoints/platform-dev-rooms"
        success_topic_name     = "platform-dev-rooms-success"
        error_topic_name       = "platform-dev-rooms-error"
        timeouts               = { startup = 900, model_download = 600, invocation = 300 }
        dead_letter_queue_name = "arn:aws:sqs:eu-west-1:111122223333:dead"
      }
    }
  }
}

run "a_topic_arn_for_results_is_refused" {
  command         = plan
  expect_failures = [var.endpoints]

  variables {
    endpoints = {
      rooms = {
        name               = "platform-dev-rooms"
        log_group_name     = "/aws/sagemaker/Endpoints/platform-dev-rooms"
        success_topic_name = "arn:aws:sns:eu-west-1:111122223333:success"
        error_topic_name   = "platform-dev-rooms-error"
        timeouts           = { startup = 900, model_download = 600, invocation = 300 }
      }
    }
  }
}

run "an_endpoint_of_nothing_is_refused" {
  command         = plan
  expect_failures = [var.endpoints]

  variables {
    endpoints = {
      rooms = {
        name               = null
        log_group_name     = null
        success_topic_name = null
        error_topic_name   = null
        timeouts           = { startup = null, model_download = null, invocation = null }
      }
    }
  }
}

run "an_endpoint_without_timeouts_is_refused" {
  command         = plan
  expect_failures = [var.endpoints]

  variables {
    endpoints = {
      rooms = {
        name               = "platform-dev-rooms"
        log_group_name     = "/aws/sagemaker/Endpoints/platform-dev-rooms"
        success_topic_name = "platform-dev-rooms-success"
        error_topic_name   = "platform-dev-rooms-error"
        timeouts           = null
      }
    }
  }
}

run "a_trigger_of_nothing_is_refused" {
  command         = plan
  expect_failures = [var.endpoints]

  variables {
    endpoints = {
      rooms = {
        name               = "platform-dev-rooms"
        log_group_name     = "/aws/sagemaker/Endpoints/platform-dev-rooms"
        success_topic_name = "platform-dev-rooms-success"
        error_topic_name   = "platform-dev-rooms-error"
        timeouts           = { startup = 900, model_download = 600, invocation = 300 }
        trigger            = { function_name = null, log_group_name = null }
      }
    }
  }
}

run "a_budget_without_a_number_is_refused" {
  command         = plan
  expect_failures = [var.budget]

  variables {
    budget = { usd = null, tag_value = null }
  }
}

run "a_budget_of_a_tag_with_a_dollar_is_refused" {
  command         = plan
  expect_failures = [var.budget]

  variables {
    budget = { usd = 1, tag_key = "a$b", tag_value = "dev" }
  }
}

run "an_address_of_nothing_is_refused" {
  command         = plan
  expect_failures = [var.recipients]

  variables {
    recipients = { emails = [null], https = [null] }
  }
}
