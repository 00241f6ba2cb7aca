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

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111122223333:role/platform-dev-rooms-1" }
  }
}

variables {
  endpoint_name = "platform-dev-rooms"
  account_id    = "111122223333"
  image         = "444455556666.dkr.ecr.eu-west-1.amazonaws.com/platform/location_detector@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

  artifact = {
    source = "archive"
    uri    = "s3://platform-artifacts/location_detector/abc/model.tar.gz"
  }

  timeouts                   = { server = 600, invocation = 300 }
  max_concurrent_invocations = 2

  access = {
    data = {
      bucket         = "platform-data"
      read_prefixes  = ["rooms/inputs/"]
      write_prefixes = ["rooms/results/", "rooms/failures/"]
    }
    topic_arns = ["arn:aws:sns:eu-west-1:111122223333:platform-dev-rooms-success"]
  }
}

run "an_archive_runs_on_an_image_by_digest" {
  command = plan

  assert {
    condition     = aws_sagemaker_model.this.primary_container[0].image == var.image
    error_message = "The image is another."
  }

  assert {
    condition     = aws_sagemaker_model.this.primary_container[0].model_data_url == "s3://platform-artifacts/location_detector/abc/model.tar.gz"
    error_message = "The archive is another."
  }

  assert {
    condition     = length(aws_sagemaker_model.this.primary_container[0].model_data_source) == 0
    error_message = "The archive is given twice."
  }

  assert {
    condition     = length(aws_sagemaker_model.this.vpc_config) == 0 && !aws_sagemaker_model.this.enable_network_isolation
    error_message = "The network is not the default."
  }
}

run "timeouts_workers_and_caches_reach_the_container_as_strings" {
  command = plan

  variables {
    environment = { OMP_NUM_THREADS = "8", ROOMS_DEBUG = "yes" }
    workers     = 3
  }

  assert {
    condition = output.environment == tomap({
      HF_HOME                                = "/tmp/huggingface"
      MKL_NUM_THREADS                        = "2"
      MODEL_SERVER_TIMEOUT                   = "600"
      MMS_MAX_REQUEST_SIZE                   = "100000000"
      MMS_MAX_RESPONSE_SIZE                  = "100000000"
      MODEL_SERVER_WORKERS                   = "3"
      OMP_NUM_THREADS                        = "8"
      ROOMS_DEBUG                            = "yes"
      SAGEMAKER_MAX_CONCURRENT_INVOCATIONS   = "2"
      SAGEMAKER_MODEL_SERVER_TIMEOUT         = "600"
      SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS = "600"
      SAGEMAKER_MODEL_SERVER_WORKERS         = "3"
      SAGEMAKER_PROGRAM                      = "inference.py"
      SAGEMAKER_SUBMIT_DIRECTORY             = "/opt/ml/model/code"
      TOKENIZERS_PARALLELISM                 = "false"
      TORCH_HOME                             = "/tmp/torch"
      TS_DEFAULT_RESPONSE_TIMEOUT            = "600"
      TS_DEFAULT_WORKERS_PER_MODEL           = "3"
      TS_MAX_REQUEST_SIZE                    = "100000000"
      TS_MAX_RESPONSE_SIZE                   = "100000000"
      XDG_CACHE_HOME                         = "/tmp/cache"
    })
    error_message = "The environment is another."
  }

  assert {
    condition     = aws_sagemaker_model.this.primary_container[0].environment == output.environment
    error_message = "The container gets another environment."
  }
}

run "a_prefix_is_a_model_of_plain_files" {
  command = plan

  variables {
    artifact = { source = "prefix", uri = "s3://platform-artifacts/weights/" }
  }

  assert {
    condition     = [for source in aws_sagemaker_model.this.primary_container[0].model_data_source[0].s3_data_source : "${source.s3_uri} ${source.s3_data_type} ${source.compression_type}"] == ["s3://platform-artifacts/weights/ S3Prefix None"]
    error_message = "The prefix is not the source."
  }

  assert {
    condition     = aws_sagemaker_model.this.primary_container[0].model_data_url == null
    error_message = "The prefix is taken for an archive."
  }

  assert {
    condition     = [for statement in data.aws_iam_policy_document.access.statement : statement.resources if statement.sid == "ReadArtifact"] == [toset(["arn:aws:s3:::platform-artifacts/weights/*"])]
    error_message = "The role may not read the files, or more."
  }
}

run "a_bundled_model_needs_no_artifact" {
  command = plan

  variables {
    artifact = { source = "bundled" }
  }

  assert {
    condition     = aws_sagemaker_model.this.primary_container[0].model_data_url == null && length(aws_sagemaker_model.this.primary_container[0].model_data_source) == 0
    error_message = "There is an artifact."
  }

  assert {
    condition     = length([for statement in data.aws_iam_policy_document.access.statement : statement.sid if statement.sid == "ReadArtifact"]) == 0 && length([for statement in data.aws_iam_policy_document.access.statement : statement.sid if statement.sid == "ListArtifact"]) == 0
    error_message = "The role may read an artifact."
  }
}

run "the_role_may_use_what_the_endpoint_works_with_and_nothing_else" {
  command = plan

  assert {
    condition = sort([for statement in data.aws_iam_policy_document.access.statement : statement.sid]) == tolist([
      "ListArtifact", "ListData", "Logs", "Metrics", "Notify", "PullImage", "ReadArtifact", "ReadInputs", "RegistryToken", "WriteResults",
    ])
    error_message = "The statements are others."
  }

  assert {
    condition     = sort([for statement in data.aws_iam_policy_document.access.statement : statement.sid if contains(statement.resources, "*")]) == tolist(["Metrics", "RegistryToken"])
    error_message = "More than the two actions without a resource are allowed on everything."
  }

  assert {
    condition     = [for statement in data.aws_iam_policy_document.access.statement : statement.resources if statement.sid == "PullImage"] == [toset(["arn:aws:ecr:eu-west-1:444455556666:repository/platform/location_detector"])]
    error_message = "The repository is not the one of the image, in the account of the image."
  }

  assert {
    condition     = [for statement in data.aws_iam_policy_document.access.statement : statement.resources if statement.sid == "ReadArtifact"] == [toset(["arn:aws:s3:::platform-artifacts/location_detector/abc/model.tar.gz"])]
    error_message = "The artifact is not the only object of its bucket that the role may read."
  }

  assert {
    condition     = [for statement in data.aws_iam_policy_document.access.statement : statement.resources if statement.sid == "ReadInputs"] == [toset(["arn:aws:s3:::platform-data/rooms/inputs/*"])]
    error_message = "The role may not read the inputs, or more."
  }

  assert {
    condition     = [for statement in data.aws_iam_policy_document.access.statement : statement.actions if statement.sid == "ReadInputs"] == [toset(["s3:GetObject"])]
    error_message = "The role may do something else to inputs than read them."
  }

  assert {
    condition     = [for statement in data.aws_iam_policy_document.access.statement : statement.resources if statement.sid == "WriteResults"] == [toset(["arn:aws:s3:::platform-data/rooms/failures/*", "arn:aws:s3:::platform-data/rooms/results/*"])]
    error_message = "The role may not write the results, or more."
  }

  assert {
    condition     = [for statement in data.aws_iam_policy_document.access.statement : statement.actions if statement.sid == "WriteResults"] == [toset(["s3:AbortMultipartUpload", "s3:PutObject"])]
    error_message = "The role may do something else to results than write them."
  }

  assert {
    condition     = one(one([for statement in data.aws_iam_policy_document.access.statement : statement.condition if statement.sid == "ListData"])).values == tolist(["rooms/failures/*", "rooms/inputs/*", "rooms/results/*"])
    error_message = "The role may list the prefixes of other endpoints."
  }

  assert {
    condition     = [for statement in data.aws_iam_policy_document.access.statement : statement.resources if statement.sid == "Notify"] == [toset(["arn:aws:sns:eu-west-1:111122223333:platform-dev-rooms-success"])]
    error_message = "The topics are others."
  }

  assert {
    condition     = [for statement in data.aws_iam_policy_document.access.statement : statement.resources if statement.sid == "Logs"] == [toset(["arn:aws:logs:eu-west-1:111122223333:log-group:/aws/sagemaker/Endpoints/platform-dev-rooms", "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/sagemaker/Endpoints/platform-dev-rooms:*"])]
    error_message = "The log group is another."
  }
}

run "sagemaker_of_this_account_alone_assumes_the_role" {
  command = plan

  assert {
    condition     = one(one(data.aws_iam_policy_document.trust.statement).principals).identifiers == toset(["sagemaker.amazonaws.com"])
    error_message = "Somebody else may assume the role."
  }

  assert {
    condition = toset([for condition in one(data.aws_iam_policy_document.trust.statement).condition : "${condition.test} ${condition.variable} ${one(condition.values)}"]) == toset([
      "StringEquals aws:SourceAccount 111122223333", "ArnLike aws:SourceArn arn:aws:sagemaker:eu-west-1:111122223333:*",
    ])
    error_message = "SageMaker may assume the role for another account or region."
  }
}

run "a_key_is_allowed_only_where_there_is_one" {
  command = plan

  variables {
    access = {
      data = {
        bucket         = "platform-data"
        read_prefixes  = ["rooms/inputs/"]
        write_prefixes = ["rooms/results/", "rooms/failures/"]
      }
      topic_arns  = ["arn:aws:sns:eu-west-1:111122223333:platform-dev-rooms-success"]
      kms_key_arn = "arn:aws:kms:eu-west-1:111122223333:key/11111111-2222-3333-4444-555555555555"
    }
  }

  assert {
    condition     = [for statement in data.aws_iam_policy_document.access.statement : statement.resources if statement.sid == "UseKey"] == [toset(["arn:aws:kms:eu-west-1:111122223333:key/11111111-2222-3333-4444-555555555555"])]
    error_message = "The key is not allowed."
  }

  assert {
    condition     = [for statement in data.aws_iam_policy_document.access.statement : statement.actions if statement.sid == "UseKey"] == [toset(["kms:Decrypt", "kms:GenerateDataKey"])]
    error_message = "The key may be used for something else."
  }
}

run "a_vpc_brings_its_interfaces_and_their_permissions" {
  command = plan

  variables {
    vpc = { subnet_ids = ["subnet-0b", "subnet-0a"], security_group_ids = ["sg-0c"] }
  }

  assert {
    condition     = aws_sagemaker_model.this.vpc_config[0].subnets == toset(["subnet-0a", "subnet-0b"]) && aws_sagemaker_model.this.vpc_config[0].security_group_ids == toset(["sg-0c"])
    error_message = "The network is another."
  }

  assert {
    condition     = [for statement in data.aws_iam_policy_document.access.statement : statement.resources if statement.sid == "AttachInterfaces"] == [toset(["arn:aws:ec2:eu-west-1:111122223333:network-interface/*", "arn:aws:ec2:eu-west-1:111122223333:subnet/subnet-0a", "arn:aws:ec2:eu-west-1:111122223333:subnet/subnet-0b", "arn:aws:ec2:eu-west-1:111122223333:security-group/sg-0c"])]
    error_message = "Interfaces may be made in other networks."
  }

  assert {
    condition     = alltrue([for action in one([for statement in data.aws_iam_policy_document.access.statement : statement.actions if statement.sid == "DescribeNetwork"]) : startswith(action, "ec2:Describe")])
    error_message = "More than descriptions is allowed on everything."
  }
}

run "network_isolation_is_there_when_asked" {
  command = plan

  variables {
    network_isolation = true
  }

  assert {
    condition     = aws_sagemaker_model.this.enable_network_isolation
    error_message = "The container has a network."
  }
}

run "a_first_revision_has_a_name_of_its_own" {
  command = apply

  assert {
    condition     = can(regex("^platform-dev-rooms-[0-9a-f]{8}$", output.name))
    error_message = "The name of the model is not the endpoint and a revision."
  }

  assert {
    condition     = aws_iam_role_policy.this.name == "revision-${trimprefix(output.name, "platform-dev-rooms-")}"
    error_message = "The policy is not of the same revision."
  }
}

run "the_same_content_keeps_its_name" {
  command = apply

  assert {
    condition     = output.name == run.a_first_revision_has_a_name_of_its_own.name
    error_message = "The name has changed."
  }
}

run "other_content_gets_another_name" {
  command = apply

  variables {
    image = "444455556666.dkr.ecr.eu-west-1.amazonaws.com/platform/location_detector@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde0"
  }

  assert {
    condition     = output.name != run.a_first_revision_has_a_name_of_its_own.name
    error_message = "The name is the same."
  }

  assert {
    condition     = output.execution_role_arn == run.a_first_revision_has_a_name_of_its_own.execution_role_arn
    error_message = "The role is another."
  }
}

run "another_key_is_another_revision_with_a_policy_of_its_own" {
  command = apply

  variables {
    image = "444455556666.dkr.ecr.eu-west-1.amazonaws.com/platform/location_detector@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde0"
    access = {
      data = {
        bucket         = "platform-data"
        read_prefixes  = ["rooms/inputs/"]
        write_prefixes = ["rooms/results/", "rooms/failures/"]
      }
      topic_arns  = ["arn:aws:sns:eu-west-1:111122223333:platform-dev-rooms-success"]
      kms_key_arn = "arn:aws:kms:eu-west-1:111122223333:key/11111111-2222-3333-4444-555555555555"
    }
  }

  assert {
    condition     = output.name != run.other_content_gets_another_name.name
    error_message = "The endpoint would write with a key that its role may no longer use."
  }

  assert {
    condition     = aws_iam_role_policy.this.name == "revision-${trimprefix(output.name, "platform-dev-rooms-")}"
    error_message = "The policy is not of the same revision."
  }

  assert {
    condition     = output.execution_role_arn == run.other_content_gets_another_name.execution_role_arn
    error_message = "The role is another."
  }
}

run "a_name_of_63_characters_leaves_room_for_the_revision" {
  command = apply

  variables {
    endpoint_name = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
  }

  assert {
    condition     = length(output.name) == 63
    error_message = "The name of the model has not 63 characters."
  }
}

run "an_endpoint_name_with_a_final_hyphen_is_refused" {
  command         = plan
  expect_failures = [var.endpoint_name]

  variables {
    endpoint_name = "platform-"
  }
}

run "an_account_id_of_letters_is_refused" {
  command         = plan
  expect_failures = [var.account_id]

  variables {
    account_id = "production"
  }
}

run "a_tag_is_refused" {
  command         = plan
  expect_failures = [var.image]

  variables {
    image = "444455556666.dkr.ecr.eu-west-1.amazonaws.com/platform/location_detector:latest"
  }
}

run "a_tag_beside_a_digest_is_refused" {
  command         = plan
  expect_failures = [var.image]

  variables {
    image = "444455556666.dkr.ecr.eu-west-1.amazonaws.com/platform/location_detector:1.0.0@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
  }
}

run "a_short_digest_is_refused" {
  command         = plan
  expect_failures = [var.image]

  variables {
    image = "444455556666.dkr.ecr.eu-west-1.amazonaws.com/platform/location_detector@sha256:0123"
  }
}

run "a_registry_outside_of_aws_is_refused" {
  command         = plan
  expect_failures = [var.image]

  variables {
    image = "registry.example.com/location_detector@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
  }
}

run "an_image_of_another_region_is_refused" {
  command         = plan
  expect_failures = [aws_sagemaker_model.this]

  variables {
    image = "444455556666.dkr.ecr.us-east-1.amazonaws.com/platform/location_detector@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
  }
}

run "an_unknown_source_is_refused" {
  command         = plan
  expect_failures = [var.artifact]

  variables {
    artifact = { source = "git", uri = "s3://platform-artifacts/model.tar.gz" }
  }
}

run "a_bundled_model_with_a_uri_is_refused" {
  command         = plan
  expect_failures = [var.artifact]

  variables {
    artifact = { source = "bundled", uri = "s3://platform-artifacts/model.tar.gz" }
  }
}

run "an_archive_without_a_uri_is_refused" {
  command         = plan
  expect_failures = [var.artifact]

  variables {
    artifact = { source = "archive" }
  }
}

run "an_archive_that_is_no_tar_gz_is_refused" {
  command         = plan
  expect_failures = [var.artifact]

  variables {
    artifact = { source = "archive", uri = "s3://platform-artifacts/model.zip" }
  }
}

run "an_archive_with_a_wildcard_is_refused" {
  command         = plan
  expect_failures = [var.artifact]

  variables {
    artifact = { source = "archive", uri = "s3://platform-artifacts/*/model.tar.gz" }
  }
}

run "a_prefix_without_its_slash_is_refused" {
  command         = plan
  expect_failures = [var.artifact]

  variables {
    artifact = { source = "prefix", uri = "s3://platform-artifacts/weights" }
  }
}

run "a_prefix_that_is_a_whole_bucket_is_refused" {
  command         = plan
  expect_failures = [var.artifact]

  variables {
    artifact = { source = "prefix", uri = "s3://platform-artifacts/" }
  }
}

run "a_server_timeout_above_an_hour_is_refused" {
  command         = plan
  expect_failures = [var.timeouts]

  variables {
    timeouts = { server = 3601, invocation = 300 }
  }
}

run "an_invocation_timeout_of_zero_is_refused" {
  command         = plan
  expect_failures = [var.timeouts]

  variables {
    timeouts = { server = 600, invocation = 0 }
  }
}

run "a_server_timeout_below_the_floor_is_refused" {
  command         = plan
  expect_failures = [var.timeouts]

  variables {
    timeouts = { server = 299, invocation = 60 }
  }
}

run "an_invocation_that_outlasts_the_server_is_refused" {
  command         = plan
  expect_failures = [var.timeouts]

  variables {
    timeouts = { server = 600, invocation = 601 }
  }
}

run "a_short_server_timeout_passes_when_allowed" {
  command = plan

  variables {
    timeouts             = { server = 30, invocation = 30 }
    allow_short_timeouts = true
  }

  assert {
    condition     = output.environment.SAGEMAKER_MODEL_SERVER_TIMEOUT == "30"
    error_message = "The timeout is another."
  }
}

run "no_concurrency_is_refused" {
  command         = plan
  expect_failures = [var.max_concurrent_invocations]

  variables {
    max_concurrent_invocations = 0
  }
}

run "a_concurrency_of_1001_is_refused" {
  command         = plan
  expect_failures = [var.max_concurrent_invocations]

  variables {
    max_concurrent_invocations = 1001
  }
}

run "one_worker_is_the_default" {
  command = plan

  assert {
    condition     = output.environment.SAGEMAKER_MODEL_SERVER_WORKERS == "1"
    error_message = "The model is loaded more than once."
  }
}

run "half_a_worker_is_refused" {
  command         = plan
  expect_failures = [var.workers]

  variables {
    workers = 1.5
  }
}

run "a_number_of_workers_set_by_hand_is_refused" {
  command         = plan
  expect_failures = [var.environment]

  variables {
    environment = { TS_DEFAULT_WORKERS_PER_MODEL = "4" }
  }
}

run "a_variable_with_a_hyphen_is_refused" {
  command         = plan
  expect_failures = [var.environment]

  variables {
    environment = { "LOG-LEVEL" = "debug" }
  }
}

run "a_long_value_is_refused" {
  command         = plan
  expect_failures = [var.environment]

  variables {
    environment = { NOTE = format("%01025d", 0) }
  }
}

run "a_value_of_null_is_refused" {
  command         = plan
  expect_failures = [var.environment]

  variables {
    environment = { NOTE = null }
  }
}

run "too_many_variables_are_refused" {
  command         = plan
  expect_failures = [var.environment]

  variables {
    environment = { for index in range(81) : "NOTE_${index}" => "x" }
  }
}

run "a_timeout_set_by_hand_is_refused" {
  command         = plan
  expect_failures = [var.environment]

  variables {
    environment = { SAGEMAKER_MODEL_SERVER_TIMEOUT = "60" }
  }
}

run "a_vpc_without_subnets_is_refused" {
  command         = plan
  expect_failures = [var.vpc]

  variables {
    vpc = { subnet_ids = [], security_group_ids = ["sg-0c"] }
  }
}

run "a_vpc_with_a_subnet_name_is_refused" {
  command         = plan
  expect_failures = [var.vpc]

  variables {
    vpc = { subnet_ids = ["private"], security_group_ids = ["sg-0c"] }
  }
}

run "a_vpc_without_security_groups_is_refused" {
  command         = plan
  expect_failures = [var.vpc]

  variables {
    vpc = { subnet_ids = ["subnet-0a"], security_group_ids = [] }
  }
}

run "a_prefix_of_the_whole_data_bucket_is_refused" {
  command         = plan
  expect_failures = [var.access]

  variables {
    access = {
      data = {
        bucket         = "platform-data"
        read_prefixes  = ["*", "rooms/uploads/"]
        write_prefixes = ["rooms/results/", "rooms/failures/"]
      }
      topic_arns = ["arn:aws:sns:eu-west-1:111122223333:platform-dev-rooms-success"]
    }
  }
}

run "a_data_prefix_without_its_slash_is_refused" {
  command         = plan
  expect_failures = [var.access]

  variables {
    access = {
      data = {
        bucket         = "platform-data"
        read_prefixes  = ["rooms/inputs/"]
        write_prefixes = ["rooms/results", "rooms/failures/"]
      }
      topic_arns = ["arn:aws:sns:eu-west-1:111122223333:platform-dev-rooms-success"]
    }
  }
}

run "no_prefix_to_read_is_refused" {
  command         = plan
  expect_failures = [var.access]

  variables {
    access = {
      data = {
        bucket         = "platform-data"
        read_prefixes  = []
        write_prefixes = ["rooms/results/", "rooms/failures/"]
      }
      topic_arns = ["arn:aws:sns:eu-west-1:111122223333:platform-dev-rooms-success"]
    }
  }
}

run "a_data_bucket_by_its_uri_is_refused" {
  command         = plan
  expect_failures = [var.access]

  variables {
    access = {
      data = {
        bucket         = "s3://platform-data"
        read_prefixes  = ["rooms/inputs/"]
        write_prefixes = ["rooms/results/", "rooms/failures/"]
      }
      topic_arns = ["arn:aws:sns:eu-west-1:111122223333:platform-dev-rooms-success"]
    }
  }
}

run "no_data_bucket_is_refused" {
  command         = plan
  expect_failures = [var.access]

  variables {
    access = {
      data = {
        bucket         = null
        read_prefixes  = ["rooms/inputs/"]
        write_prefixes = ["rooms/results/", "rooms/failures/"]
      }
      topic_arns = ["arn:aws:sns:eu-west-1:111122223333:platform-dev-rooms-success"]
    }
  }
}

run "no_prefix_to_write_is_refused" {
  command         = plan
  expect_failures = [var.access]

  variables {
    access = {
      data = {
        bucket         = "platform-data"
        read_prefixes  = ["rooms/inputs/"]
        write_prefixes = []
      }
      topic_arns = ["arn:aws:sns:eu-west-1:111122223333:platform-dev-rooms-success"]
    }
  }
}

run "prefixes_of_null_are_refused" {
  command         = plan
  expect_failures = [var.access]

  variables {
    access = {
      data = {
        bucket         = "platform-data"
        read_prefixes  = null
        write_prefixes = ["rooms/results/", "rooms/failures/"]
      }
      topic_arns = ["arn:aws:sns:eu-west-1:111122223333:platform-dev-rooms-success"]
    }
  }
}

run "a_vpc_with_17_subnets_is_refused" {
  command         = plan
  expect_failures = [var.vpc]

  variables {
    vpc = { subnet_ids = [for number in range(10, 27) : "subnet-${number}"], security_group_ids = ["sg-0c"] }
  }
}

run "a_vpc_with_a_security_group_name_is_refused" {
  command         = plan
  expect_failures = [var.vpc]

  variables {
    vpc = { subnet_ids = ["subnet-0a"], security_group_ids = ["default"] }
  }
}

run "a_vpc_of_null_subnets_is_refused" {
  command         = plan
  expect_failures = [var.vpc]

  variables {
    vpc = { subnet_ids = null, security_group_ids = ["sg-0c"] }
  }
}

run "no_topic_is_refused" {
  command         = plan
  expect_failures = [var.access]

  variables {
    access = {
      data = {
        bucket         = "platform-data"
        read_prefixes  = ["rooms/inputs/"]
        write_prefixes = ["rooms/results/", "rooms/failures/"]
      }
      topic_arns = []
    }
  }
}

run "every_topic_is_refused" {
  command         = plan
  expect_failures = [var.access]

  variables {
    access = {
      data = {
        bucket         = "platform-data"
        read_prefixes  = ["rooms/inputs/"]
        write_prefixes = ["rooms/results/", "rooms/failures/"]
      }
      topic_arns = ["*"]
    }
  }
}

run "a_key_alias_is_refused" {
  command         = plan
  expect_failures = [var.access]

  variables {
    access = {
      data = {
        bucket         = "platform-data"
        read_prefixes  = ["rooms/inputs/"]
        write_prefixes = ["rooms/results/", "rooms/failures/"]
      }
      topic_arns  = ["arn:aws:sns:eu-west-1:111122223333:platform-dev-rooms-success"]
      kms_key_arn = "alias/platform"
    }
  }
}
