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
  name = "platform/location_detector"
}

run "a_repository_is_immutable_scanned_and_kept" {
  command = plan

  assert {
    condition     = aws_ecr_repository.this.image_tag_mutability == "IMMUTABLE"
    error_message = "A tag could be moved to another image."
  }

  assert {
    condition     = aws_ecr_repository.this.image_scanning_configuration[0].scan_on_push
    error_message = "Images are not scanned."
  }

  assert {
    condition     = aws_ecr_repository.this.encryption_configuration[0].encryption_type == "AES256"
    error_message = "Images are not encrypted by the registry's own key."
  }

  assert {
    condition     = !aws_ecr_repository.this.force_delete
    error_message = "A destroy would delete images."
  }

  assert {
    condition     = length(aws_ecr_repository_policy.consumers) == 0
    error_message = "There is a repository policy without consumers."
  }
}

run "only_images_without_a_tag_expire" {
  command = plan

  variables {
    untagged_images_kept = 3
  }

  assert {
    condition     = [for rule in jsondecode(aws_ecr_lifecycle_policy.this.policy).rules : rule.selection] == [{ tagStatus = "untagged", countType = "imageCountMoreThan", countNumber = 3 }]
    error_message = "The lifecycle is not: keep the newest three without a tag."
  }
}

run "consumers_may_pull_and_nothing_else" {
  command = plan

  variables {
    consumer_account_ids = ["444455556666", "111122223333"]
  }

  assert {
    condition     = one(data.aws_iam_policy_document.consumers[0].statement).actions == toset(["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"])
    error_message = "Consumers may do something else than pull."
  }

  assert {
    condition     = one(one(data.aws_iam_policy_document.consumers[0].statement).principals).identifiers == toset(["arn:aws:iam::111122223333:root", "arn:aws:iam::444455556666:root"])
    error_message = "The consumers are not the two accounts."
  }

  assert {
    condition     = length(aws_ecr_repository_policy.consumers) == 1
    error_message = "The repository has no policy."
  }
}

run "a_key_encrypts_images" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:eu-west-1:111122223333:key/11111111-2222-3333-4444-555555555555"
  }

  assert {
    condition     = aws_ecr_repository.this.encryption_configuration[0].encryption_type == "KMS" && aws_ecr_repository.this.encryption_configuration[0].kms_key == var.kms_key_arn
    error_message = "The key is not used."
  }
}

run "a_name_with_capitals_is_refused" {
  command         = plan
  expect_failures = [var.name]

  variables {
    name = "Platform/detector"
  }
}

run "a_name_of_one_character_is_refused" {
  command         = plan
  expect_failures = [var.name]

  variables {
    name = "a"
  }
}

run "an_account_id_of_eleven_digits_is_refused" {
  command         = plan
  expect_failures = [var.consumer_account_ids]

  variables {
    consumer_account_ids = ["11112222333"]
  }
}

run "keeping_no_image_is_refused" {
  command         = plan
  expect_failures = [var.untagged_images_kept]

  variables {
    untagged_images_kept = 0
  }
}

run "keeping_half_an_image_is_refused" {
  command         = plan
  expect_failures = [var.untagged_images_kept]

  variables {
    untagged_images_kept = 1.5
  }
}

run "a_key_alias_is_refused" {
  command         = plan
  expect_failures = [var.kms_key_arn]

  variables {
    kms_key_arn = "alias/platform"
  }
}
