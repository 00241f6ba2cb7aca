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
  region      = "eu-west-1"
  account_id  = "111122223333"
  name_prefix = "platform"
  workloads   = ["location_detector", "fashion_recommender"]
}

run "each_workload_has_a_repository_and_artifacts_share_a_bucket" {
  command = apply

  assert {
    condition     = { for workload, repository in output.repositories : workload => repository.name } == { fashion_recommender = "platform/fashion_recommender", location_detector = "platform/location_detector" }
    error_message = "The repositories are others."
  }

  assert {
    condition     = output.artifact_bucket.name == "platform-111122223333-eu-west-1-artifacts"
    error_message = "The bucket is another."
  }

  assert {
    condition     = output.access_log_bucket == null
    error_message = "There is a bucket for logs that nobody asked for."
  }

  assert {
    condition     = alltrue([for repository in output.repositories : sort(keys(repository)) == tolist(["arn", "name", "url"])]) && sort(keys(output.artifact_bucket)) == tolist(["arn", "name"])
    error_message = "The outputs have other fields."
  }
}

run "images_are_copied_where_asked_for" {
  command = apply

  variables {
    image_replication = [{ region = "us-west-2" }]
  }

  assert {
    condition     = output.image_replication == ["us-west-2 111122223333"]
    error_message = "Images are copied elsewhere."
  }
}

run "access_to_the_artifacts_is_logged_where_asked_for" {
  command = apply

  variables {
    access_log_retention_days = 365
    abort_uploads_days        = 7
  }

  assert {
    condition     = output.access_log_bucket == "platform-111122223333-eu-west-1-logs"
    error_message = "The bucket of the logs is another."
  }
}

run "a_prefix_with_a_capital_is_refused" {
  command         = plan
  expect_failures = [var.name_prefix]

  variables {
    name_prefix = "Platform"
  }
}

run "a_prefix_of_17_characters_is_refused" {
  command         = plan
  expect_failures = [var.name_prefix]

  variables {
    name_prefix = "platform-platform"
  }
}

run "a_workload_with_a_slash_is_refused" {
  command         = plan
  expect_failures = [var.workloads]

  variables {
    workloads = ["location/detector"]
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
