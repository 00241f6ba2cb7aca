locals {
  # Where the bytes of the model lie, when they are not in the image. Empty for a bundled model.
  artifact = var.artifact.uri == null ? [] : [regex("^s3://(?P<bucket>[^/]+)/(?P<key>.+)$", var.artifact.uri)]

  # One number, by the names under which servers look for it. All are seconds, but SAGEMAKER_MODEL_SERVER_TIMEOUT is minutes for
  # SageMaker's own toolkit; its name in seconds is there too.
  server_environment = merge(
    { SAGEMAKER_MAX_CONCURRENT_INVOCATIONS = tostring(var.max_concurrent_invocations) },
    { for name in local.timeout_names : name => tostring(var.timeouts.server) },
    { for name in local.worker_names : name => tostring(var.workers) },
  )

  timeout_names = ["MODEL_SERVER_TIMEOUT", "SAGEMAKER_MODEL_SERVER_TIMEOUT", "SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS", "TS_DEFAULT_RESPONSE_TIMEOUT"]
  worker_names  = ["MODEL_SERVER_WORKERS", "SAGEMAKER_MODEL_SERVER_WORKERS", "TS_DEFAULT_WORKERS_PER_MODEL"]

  # Only /tmp can be written to on an instance: the model's folder is read-only.
  default_environment = {
    HF_HOME                    = "/tmp/huggingface"
    MKL_NUM_THREADS            = "2"
    MMS_MAX_REQUEST_SIZE       = "100000000"
    MMS_MAX_RESPONSE_SIZE      = "100000000"
    OMP_NUM_THREADS            = "2"
    SAGEMAKER_PROGRAM          = "inference.py"
    SAGEMAKER_SUBMIT_DIRECTORY = "/opt/ml/model/code"
    TOKENIZERS_PARALLELISM     = "false"
    TORCH_HOME                 = "/tmp/torch"
    TS_MAX_REQUEST_SIZE        = "100000000"
    TS_MAX_RESPONSE_SIZE       = "100000000"
    XDG_CACHE_HOME             = "/tmp/cache"
  }

  environment = tomap(merge(local.default_environment, var.environment, local.server_environment))
}

# A new id for each new content, and for other rights: the endpoint needs the former ones until it has left the former
# revision. A hash of the content would return with it, and collide with the model that an unfinished rollback has left behind.
resource "terraform_data" "revision" {
  triggers_replace = {
    access            = var.access
    artifact          = var.artifact
    environment       = local.environment
    image             = var.image
    network_isolation = var.network_isolation
    vpc               = var.vpc
  }
}

locals {
  revision = substr(terraform_data.revision.id, 0, 8)
}

resource "aws_sagemaker_model" "this" {
  #checkov:skip=CKV_AWS_370:Isolation is an input: a handler that reads or writes S3 itself needs its network
  name                     = "${substr(var.endpoint_name, 0, 54)}-${local.revision}"
  execution_role_arn       = aws_iam_role.this.arn
  enable_network_isolation = var.network_isolation

  primary_container {
    image          = var.image
    environment    = local.environment
    model_data_url = var.artifact.source == "archive" ? var.artifact.uri : null

    dynamic "model_data_source" {
      for_each = var.artifact.source == "prefix" ? [var.artifact.uri] : []

      content {
        s3_data_source {
          s3_uri           = model_data_source.value
          s3_data_type     = "S3Prefix"
          compression_type = "None"
        }
      }
    }
  }

  dynamic "vpc_config" {
    for_each = var.vpc == null ? [] : [var.vpc]

    content {
      subnets            = vpc_config.value.subnet_ids
      security_group_ids = vpc_config.value.security_group_ids
    }
  }

  # CreateModel looks at the artifact with the role, and CreateEndpoint at the topics.
  depends_on = [aws_iam_role_policy.this]

  lifecycle {
    create_before_destroy = true

    precondition {
      condition     = local.image.region == local.region
      error_message = "image is in ${local.image.region} and the endpoint in ${local.region}: SageMaker pulls images of its own region only."
    }
  }
}
