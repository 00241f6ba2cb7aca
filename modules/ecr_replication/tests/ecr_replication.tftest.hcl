mock_provider "aws" {
  mock_data "aws_region" {
    defaults = { id = "eu-central-1", name = "eu-central-1" }
  }
}

variables {
  account_id        = "111122223333"
  repository_prefix = "platform/"
  destinations      = [{ region = "us-west-2" }, { region = "eu-west-1", account_id = "444455556666" }]
}

run "images_of_the_prefix_are_copied_to_each_destination" {
  command = plan

  assert {
    condition     = output.destinations == tolist(["eu-west-1 444455556666", "us-west-2 111122223333"])
    error_message = "Images are copied elsewhere."
  }

  assert {
    condition     = one(aws_ecr_replication_configuration.this.replication_configuration[0].rule[0].repository_filter).filter == "platform/"
    error_message = "Other images are copied too."
  }
}

run "an_account_name_is_refused" {
  command         = plan
  expect_failures = [var.account_id]

  variables {
    account_id = "production"
  }
}

run "a_prefix_with_a_wildcard_is_refused" {
  command         = plan
  expect_failures = [var.repository_prefix]

  variables {
    repository_prefix = "platform/*"
  }
}

run "a_prefix_of_one_letter_is_refused" {
  command         = plan
  expect_failures = [var.repository_prefix]

  variables {
    repository_prefix = "a"
  }
}

run "a_copy_to_where_it_comes_from_is_refused" {
  command         = plan
  expect_failures = [aws_ecr_replication_configuration.this]

  variables {
    destinations = [{ region = "eu-central-1", account_id = "111122223333" }]
  }
}

run "a_destination_without_a_region_is_refused" {
  command         = plan
  expect_failures = [var.destinations]

  variables {
    destinations = [{ region = null }]
  }
}

run "no_destination_is_refused" {
  command         = plan
  expect_failures = [var.destinations]

  variables {
    destinations = []
  }
}

run "a_destination_without_a_number_is_refused" {
  command         = plan
  expect_failures = [var.destinations]

  variables {
    destinations = [{ region = "us-west" }]
  }
}

run "a_destination_in_an_account_name_is_refused" {
  command         = plan
  expect_failures = [var.destinations]

  variables {
    destinations = [{ region = "us-west-2", account_id = "production" }]
  }
}

run "a_destination_given_twice_is_refused" {
  command         = plan
  expect_failures = [var.destinations]

  variables {
    destinations = [{ region = "us-west-2" }, { region = "us-west-2", account_id = "111122223333" }]
  }
}
