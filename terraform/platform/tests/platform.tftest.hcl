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

  # Computed values that the provider or a module looks at.
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111122223333:role/platform-dev-rooms-1" }
  }

  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:eu-west-1:111122223333:platform-dev-rooms" }
  }

  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:eu-west-1:111122223333:platform-dev-rooms-queue", url = "https://sqs.eu-west-1.amazonaws.com/111122223333/platform-dev-rooms-queue" }
  }

  mock_resource "aws_lambda_function" {
    defaults = { arn = "arn:aws:lambda:eu-west-1:111122223333:function:platform-dev-rooms-uploads" }
  }

  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:eu-west-1:111122223333:key/11111111-2222-3333-4444-555555555555" }
  }

  mock_resource "aws_sagemaker_endpoint_configuration" {
    defaults = { name = "platform-dev-rooms-1" }
  }

  mock_resource "aws_sagemaker_endpoint" {
    defaults = { id = "platform-dev-rooms", arn = "arn:aws:sagemaker:eu-west-1:111122223333:endpoint/platform-dev-rooms" }
  }

  mock_resource "aws_appautoscaling_policy" {
    defaults = { arn = "arn:aws:autoscaling:eu-west-1:111122223333:scalingPolicy:11111111-2222-3333-4444-555555555555" }
  }
}

variables {
  environment = "dev"
  region      = "eu-west-1"
  account_id  = "111122223333"
  name_prefix = "platform"
  owner       = "platform-team@example.com"

  endpoints = {
    rooms = {
      workload                   = "location_detector"
      instance_type              = "ml.m5.xlarge"
      image                      = "444455556666.dkr.ecr.eu-west-1.amazonaws.com/platform/location_detector@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
      model                      = { source = "archive", uri = "s3://platform-artifacts/location_detector/abc/model.tar.gz" }
      timeouts                   = { server = 600, startup = 900, model_download = 1200, invocation = 300 }
      max_concurrent_invocations = 2
      autoscaling                = { min = 0, max = 3, backlog_per_instance = 2, scale_in_cooldown = 300, scale_out_cooldown = 60 }
    }
  }
}

run "an_endpoint_has_its_names_and_all_that_clients_need" {
  command = apply

  assert {
    condition     = output.data_bucket == "platform-111122223333-eu-west-1-dev-data"
    error_message = "The bucket is another."
  }

  assert {
    condition = { for field in ["name", "variant_name", "image", "model_uri", "log_group", "data_bucket", "input_prefix", "output_uri", "failure_uri"] : field => output.endpoints.rooms[field] } == {
      name         = "platform-dev-rooms"
      variant_name = "AllTraffic"
      image        = var.endpoints.rooms.image
      model_uri    = var.endpoints.rooms.model.uri
      log_group    = "/aws/sagemaker/Endpoints/platform-dev-rooms"
      data_bucket  = "platform-111122223333-eu-west-1-dev-data"
      input_prefix = "rooms/inputs/"
      output_uri   = "s3://platform-111122223333-eu-west-1-dev-data/rooms/results/"
      failure_uri  = "s3://platform-111122223333-eu-west-1-dev-data/rooms/failures/"
    }
    error_message = "Clients are told something else."
  }

  assert {
    condition     = output.endpoints.rooms.timeouts == var.endpoints.rooms.timeouts && output.endpoints.rooms.autoscaling == var.endpoints.rooms.autoscaling
    error_message = "Checks are told other timeouts or bounds."
  }

  assert {
    condition     = startswith(output.endpoints.rooms.model_name, "platform-dev-rooms-") && output.endpoints.rooms.config_name == "platform-dev-rooms-1"
    error_message = "Model or configuration have other names."
  }

  assert {
    condition     = length(module.kms) == 0
    error_message = "There is a key although none is asked for."
  }
}

run "notifications_may_go_to_a_queue" {
  command = apply

  variables {
    notifications = { queue = { max_receives = 3 }, filter_policies = { queue = "{\"invocationStatus\": [\"Failed\"]}" } }
  }

  assert {
    condition     = output.endpoints.rooms.notification_queue_url == "https://sqs.eu-west-1.amazonaws.com/111122223333/platform-dev-rooms-queue"
    error_message = "Clients are not told of the queue."
  }
}

run "an_environment_may_have_a_key_of_its_own_and_no_endpoint" {
  command = apply

  variables {
    kms       = { create = true }
    endpoints = {}
  }

  assert {
    condition     = length(module.kms) == 1
    error_message = "There is no key."
  }

  assert {
    condition     = length(output.endpoints) == 0
    error_message = "There is an endpoint."
  }
}

run "kinds_of_data_expire_by_endpoint_and_access_is_logged" {
  command = plan

  variables {
    data_expiry               = { days_by_prefix = { "rooms/inputs/" = 30 }, noncurrent_days = 7 }
    abort_uploads_days        = 3
    access_log_retention_days = 365
  }

  assert {
    condition     = module.access_logs[0].name == "platform-111122223333-eu-west-1-dev-logs"
    error_message = "The bucket of the logs is another."
  }
}

run "an_environment_with_a_capital_is_refused" {
  command         = plan
  expect_failures = [var.environment]

  variables {
    environment = "Dev"
  }
}

run "an_environment_of_13_characters_is_refused" {
  command         = plan
  expect_failures = [var.environment]

  variables {
    environment = "developmental"
  }
}

run "a_prefix_with_a_final_hyphen_is_refused" {
  command         = plan
  expect_failures = [var.name_prefix]

  variables {
    name_prefix = "platform-"
  }
}

run "protection_and_force_at_once_are_refused" {
  command         = plan
  expect_failures = [var.force_destroy]

  variables {
    deletion_protection = true
    force_destroy       = true
  }
}

run "two_keys_are_refused" {
  command         = plan
  expect_failures = [var.kms]

  variables {
    kms = { create = true, key_arn = "arn:aws:kms:eu-west-1:111122223333:key/11111111-2222-3333-4444-555555555555" }
  }
}

run "an_endpoint_key_with_an_underscore_is_refused" {
  command         = plan
  expect_failures = [var.endpoints]

  variables {
    endpoints = {
      room_finder = {
        workload                   = "location_detector"
        instance_type              = "ml.m5.xlarge"
        image                      = "444455556666.dkr.ecr.eu-west-1.amazonaws.com/platform/location_detector@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
        model                      = { source = "archive", uri = "s3://platform-artifacts/location_detector/abc/model.tar.gz" }
        timeouts                   = { server = 600, startup = 900, model_download = 1200, invocation = 300 }
        max_concurrent_invocations = 2
        autoscaling                = { min = 0, max = 3, backlog_per_instance = 2, scale_in_cooldown = 300, scale_out_cooldown = 60 }
      }
    }
  }
}

run "the_image_of_another_workload_is_refused" {
  command         = plan
  expect_failures = [var.endpoints]

  variables {
    endpoints = {
      rooms = {
        workload                   = "fashion_recommender"
        instance_type              = "ml.m5.xlarge"
        image                      = "444455556666.dkr.ecr.eu-west-1.amazonaws.com/platform/location_detector@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
        model                      = { source = "archive", uri = "s3://platform-artifacts/location_detector/abc/model.tar.gz" }
        timeouts                   = { server = 600, startup = 900, model_download = 1200, invocation = 300 }
        max_concurrent_invocations = 2
        autoscaling                = { min = 0, max = 3, backlog_per_instance = 2, scale_in_cooldown = 300, scale_out_cooldown = 60 }
      }
    }
  }
}

run "an_upload_is_a_request_only_where_a_trigger_says_so" {
  command = plan

  assert {
    condition     = length(module.upload_trigger) == 0
    error_message = "There is a trigger."
  }
}

run "a_trigger_hears_of_uploads_to_the_data_bucket" {
  command = apply

  variables {
    upload_trigger_package = { file = "upload_trigger.zip", source_code_hash = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" }
    endpoints = {
      rooms = {
        workload                   = "location_detector"
        instance_type              = "ml.m5.xlarge"
        image                      = "444455556666.dkr.ecr.eu-west-1.amazonaws.com/platform/location_detector@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
        model                      = { source = "archive", uri = "s3://platform-artifacts/location_detector/abc/model.tar.gz" }
        timeouts                   = { server = 600, startup = 900, model_download = 1200, invocation = 300 }
        max_concurrent_invocations = 2
        autoscaling                = { min = 0, max = 3, backlog_per_instance = 2, scale_in_cooldown = 300, scale_out_cooldown = 60 }
        trigger                    = { prefix = "blueprints/", suffixes = [".png"] }
      }
    }
  }

  assert {
    condition = { for field in ["upload_prefix", "receipt_prefix", "function_name", "log_group"] : field => output.endpoints.rooms.trigger[field] } == {
      upload_prefix  = "blueprints/"
      receipt_prefix = "rooms/receipts/"
      function_name  = "platform-dev-rooms-uploads"
      log_group      = "/aws/lambda/platform-dev-rooms-uploads"
    }
    error_message = "The trigger is another one."
  }
}

run "a_trigger_without_code_is_refused" {
  command         = plan
  expect_failures = [var.upload_trigger_package]

  variables {
    endpoints = {
      rooms = {
        workload                   = "location_detector"
        instance_type              = "ml.m5.xlarge"
        image                      = "444455556666.dkr.ecr.eu-west-1.amazonaws.com/platform/location_detector@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
        model                      = { source = "archive", uri = "s3://platform-artifacts/location_detector/abc/model.tar.gz" }
        timeouts                   = { server = 600, startup = 900, model_download = 1200, invocation = 300 }
        max_concurrent_invocations = 2
        autoscaling                = { min = 0, max = 3, backlog_per_instance = 2, scale_in_cooldown = 300, scale_out_cooldown = 60 }
        trigger                    = { prefix = "blueprints/", suffixes = [".png"] }
      }
    }
  }
}

run "a_region_without_its_number_is_refused" {
  command         = plan
  expect_failures = [var.region]

  variables {
    region = "eu-west"
  }
}

run "an_account_name_is_refused" {
  command         = plan
  expect_failures = [var.account_id]

  variables {
    account_id = "staging"
  }
}

run "a_tag_of_aws_is_refused" {
  command         = plan
  expect_failures = [var.tags]

  variables {
    tags = { "aws:team" = "platform" }
  }
}

run "a_tag_with_a_comma_is_refused" {
  command         = plan
  expect_failures = [var.tags]

  variables {
    tags = { "a,b" = "platform" }
  }
}

run "a_tag_of_null_is_refused" {
  command         = plan
  expect_failures = [var.tags]

  variables {
    tags = { team = null }
  }
}

run "an_end_of_uploads_after_no_day_is_refused" {
  command         = plan
  expect_failures = [var.abort_uploads_days]

  variables {
    abort_uploads_days = 0
  }
}

run "logs_for_half_a_day_are_refused" {
  command         = plan
  expect_failures = [var.access_log_retention_days]

  variables {
    access_log_retention_days = 0.5
  }
}

run "an_owner_with_a_newline_is_refused" {
  command         = plan
  expect_failures = [var.owner]

  variables {
    owner = "platform\nteam"
  }
}

run "two_triggers_for_the_same_uploads_are_refused" {
  command         = plan
  expect_failures = [var.endpoints]

  variables {
    upload_trigger_package = { file = "upload_trigger.zip", source_code_hash = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" }
    endpoints = { for key, prefix in { rooms = "plans/", walls = "plans/" } : key => {
      workload                   = "location_detector"
      instance_type              = "ml.m5.xlarge"
      image                      = "444455556666.dkr.ecr.eu-west-1.amazonaws.com/platform/location_detector@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
      model                      = { source = "bundled" }
      timeouts                   = { server = 600, startup = 900, model_download = 1200, invocation = 300 }
      max_concurrent_invocations = 2
      autoscaling                = { min = 0, max = 3, backlog_per_instance = 2, scale_in_cooldown = 300, scale_out_cooldown = 60 }
      trigger                    = { prefix = prefix }
    } }
  }
}

run "a_trigger_within_another_is_refused" {
  command         = plan
  expect_failures = [var.endpoints]

  variables {
    upload_trigger_package = { file = "upload_trigger.zip", source_code_hash = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" }
    endpoints = { for key, prefix in { rooms = "plans/", walls = "plans/rooms/" } : key => {
      workload                   = "location_detector"
      instance_type              = "ml.m5.xlarge"
      image                      = "444455556666.dkr.ecr.eu-west-1.amazonaws.com/platform/location_detector@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
      model                      = { source = "bundled" }
      timeouts                   = { server = 600, startup = 900, model_download = 1200, invocation = 300 }
      max_concurrent_invocations = 2
      autoscaling                = { min = 0, max = 3, backlog_per_instance = 2, scale_in_cooldown = 300, scale_out_cooldown = 60 }
      trigger                    = { prefix = prefix }
    } }
  }
}
