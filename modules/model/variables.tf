variable "endpoint_name" {
  description = "Name of the endpoint that runs the model: the start of the names of model and role, and the name of the log group."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9](-*[A-Za-z0-9]){0,62}$", var.endpoint_name))
    error_message = "endpoint_name is ${var.endpoint_name}: allowed are 1 to 63 letters, digits and inner hyphens."
  }
}

variable "account_id" {
  description = "Account of the endpoint: its SageMaker alone may assume the execution role."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id is ${var.account_id}: an account id is 12 digits."
  }
}

variable "image" {
  description = "Image by digest: `<account>.dkr.ecr.<region>.amazonaws.com/<repository>@sha256:<64 hex digits>`. A tag is refused: it may move."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}\\.dkr\\.ecr\\.[a-z0-9-]+\\.amazonaws\\.com(\\.cn)?/[a-z0-9._/-]+@sha256:[0-9a-f]{64}$", var.image))
    error_message = "image is ${var.image}: allowed is <account>.dkr.ecr.<region>.amazonaws.com/<repository>@sha256:<64 hex digits>; a tag is not."
  }
}

variable "artifact" {
  description = <<-EOT
    Where the model comes from.
    - `source`: `bundled` (it is in the image), `archive` (one `.tar.gz` in S3) or `prefix` (plain files under a prefix in S3).
    - `uri`: `s3://<bucket>/<key>.tar.gz` for an archive, `s3://<bucket>/<prefix>/` for a prefix, null for a bundled model.
      The bucket may belong to another account that lets this one read.
  EOT
  type = object({
    source = string
    uri    = optional(string)
  })
  nullable = false

  validation {
    condition     = try(contains(["bundled", "archive", "prefix"], var.artifact.source), false)
    error_message = "artifact.source is ${jsonencode(var.artifact.source)}: allowed are bundled, archive and prefix."
  }

  validation {
    condition     = var.artifact.source != "bundled" || var.artifact.uri == null
    error_message = "artifact.uri is ${coalesce(var.artifact.uri, "null")}: a bundled model has none."
  }

  validation {
    condition     = var.artifact.source != "archive" || can(regex("^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/[^*?]+\\.tar\\.gz$", var.artifact.uri))
    error_message = "artifact.uri is ${coalesce(var.artifact.uri, "null")}: allowed for an archive is s3://<bucket>/<key>.tar.gz."
  }

  validation {
    condition     = var.artifact.source != "prefix" || can(regex("^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/[^*?]+/$", var.artifact.uri))
    error_message = "artifact.uri is ${coalesce(var.artifact.uri, "null")}: allowed for a prefix is s3://<bucket>/<prefix>/ with the slash at its end."
  }
}

variable "timeouts" {
  description = <<-EOT
    Seconds.
    - `server`: how long the server in the container waits for one answer of the handler, 300 (see `allow_short_timeouts`) to 3600.
    - `invocation`: how long SageMaker waits for an answer of the container, 1 to 3600, not above `server`.
  EOT
  type = object({
    server     = number
    invocation = number
  })
  nullable = false

  validation {
    condition     = alltrue([for seconds in values(var.timeouts) : try(seconds >= 1 && seconds <= 3600 && floor(seconds) == seconds, false)])
    error_message = "timeouts is ${jsonencode(var.timeouts)}: allowed are whole seconds from 1 to 3600."
  }

  validation {
    condition     = try(var.timeouts.server >= 300 || var.allow_short_timeouts, false)
    error_message = "timeouts.server is ${jsonencode(var.timeouts.server)}: allowed are 300 seconds or more, because loading a model takes minutes; allow_short_timeouts lifts this."
  }

  validation {
    condition     = try(var.timeouts.invocation <= var.timeouts.server, false)
    error_message = "timeouts.invocation is ${jsonencode(var.timeouts.invocation)}: it may not be above timeouts.server, which is ${jsonencode(var.timeouts.server)}."
  }
}

variable "allow_short_timeouts" {
  description = "Whether timeouts below the floors are allowed, for a model that is known to load in seconds."
  type        = bool
  default     = false
  nullable    = false
}

variable "max_concurrent_invocations" {
  description = "Requests that an instance works on at the same time, 1 to 1000. The server in the container is told."
  type        = number
  nullable    = false

  validation {
    condition     = var.max_concurrent_invocations >= 1 && var.max_concurrent_invocations <= 1000 && floor(var.max_concurrent_invocations) == var.max_concurrent_invocations
    error_message = "max_concurrent_invocations is ${var.max_concurrent_invocations}: allowed are whole numbers from 1 to 1000."
  }
}

variable "workers" {
  description = "Processes of the server in the container, 1 to 64. Each loads the model anew."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.workers >= 1 && var.workers <= 64 && floor(var.workers) == var.workers
    error_message = "workers is ${var.workers}: allowed are whole numbers from 1 to 64."
  }
}

variable "environment" {
  description = "Environment variables of the container, over the module's own defaults. The ones that follow from `timeouts`, `max_concurrent_invocations` and `workers` are refused."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for name in keys(var.environment) : can(regex("^[a-zA-Z_][a-zA-Z0-9_]*$", name)) && length(name) <= 1024])
    error_message = "environment has ${join(", ", keys(var.environment))}: a name is made of letters, digits and underscores, and starts with no digit."
  }

  validation {
    condition     = alltrue([for value in values(var.environment) : try(length(value) <= 1024, false)])
    error_message = "environment has a value that is null or longer than 1024 characters: allowed are up to 1024 characters."
  }

  validation {
    condition     = length(var.environment) <= 80
    error_message = "environment has ${length(var.environment)} variables: allowed are up to 80 beside the module's own."
  }

  validation {
    condition = length(setintersection(keys(var.environment), [
      "MODEL_SERVER_TIMEOUT", "MODEL_SERVER_WORKERS", "SAGEMAKER_MAX_CONCURRENT_INVOCATIONS", "SAGEMAKER_MODEL_SERVER_TIMEOUT",
      "SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS", "SAGEMAKER_MODEL_SERVER_WORKERS", "TS_DEFAULT_RESPONSE_TIMEOUT", "TS_DEFAULT_WORKERS_PER_MODEL",
    ])) == 0
    error_message = "environment has ${join(", ", keys(var.environment))}: server timeouts, concurrency and workers come from timeouts, max_concurrent_invocations and workers."
  }
}

variable "network_isolation" {
  description = "Whether the container has no network at all. Right for a handler that needs no S3 of its own."
  type        = bool
  default     = false
  nullable    = false
}

variable "vpc" {
  description = <<-EOT
    Network that the instances are attached to, or null.
    - `subnet_ids`: 1 to 16 subnets.
    - `security_group_ids`: 1 to 5 security groups.
  EOT
  type = object({
    subnet_ids         = set(string)
    security_group_ids = set(string)
  })
  default = null

  validation {
    condition     = try(alltrue([for id in var.vpc.subnet_ids : can(regex("^subnet-[0-9a-f]+$", id))]), true)
    error_message = "vpc.subnet_ids is ${jsonencode(try(var.vpc.subnet_ids, null))}: an id is subnet-<hex digits>."
  }

  validation {
    condition     = var.vpc == null || try(contains(range(1, 17), length(var.vpc.subnet_ids)), false)
    error_message = "vpc.subnet_ids is ${jsonencode(try(var.vpc.subnet_ids, null))}: allowed are 1 to 16."
  }

  validation {
    condition     = try(alltrue([for id in var.vpc.security_group_ids : can(regex("^sg-[0-9a-f]+$", id))]), true)
    error_message = "vpc.security_group_ids is ${jsonencode(try(var.vpc.security_group_ids, null))}: an id is sg-<hex digits>."
  }

  validation {
    condition     = var.vpc == null || try(contains(range(1, 6), length(var.vpc.security_group_ids)), false)
    error_message = "vpc.security_group_ids is ${jsonencode(try(var.vpc.security_group_ids, null))}: allowed are 1 to 5."
  }
}

variable "access" {
  description = <<-EOT
    What the endpoint works with: the execution role may use this, its image, its artifact and its log group, and nothing else.
    - `data.bucket`: name of the bucket with inputs and results.
    - `data.read_prefixes`: prefixes of keys the role may read, each ending with a slash.
    - `data.write_prefixes`: prefixes of keys the role may write, each ending with a slash.
    - `topic_arns`: topics the role may publish to.
    - `kms_key_arn`: key of bucket and topics, or null.
  EOT
  type = object({
    data = object({
      bucket         = string
      read_prefixes  = set(string)
      write_prefixes = set(string)
    })
    topic_arns  = set(string)
    kms_key_arn = optional(string)
  })
  nullable = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.access.data.bucket))
    error_message = "access.data.bucket is ${jsonencode(try(var.access.data.bucket, null))}: allowed are 3 to 63 lower-case letters, digits and hyphens, with a letter or digit at both ends."
  }

  validation {
    condition     = try(alltrue([for prefix in setunion(var.access.data.read_prefixes, var.access.data.write_prefixes) : can(regex("^[^/*?][^*?]*/$", prefix))]), false)
    error_message = "access.data is ${jsonencode(var.access.data)}: a prefix ends with a slash, starts with none and has no wildcard."
  }

  validation {
    condition     = try(length(var.access.data.read_prefixes) > 0, false)
    error_message = "access.data.read_prefixes is ${jsonencode(try(var.access.data.read_prefixes, null))}: allowed is at least one prefix."
  }

  validation {
    condition     = try(length(var.access.data.write_prefixes) > 0, false)
    error_message = "access.data.write_prefixes is ${jsonencode(try(var.access.data.write_prefixes, null))}: allowed is at least one prefix."
  }

  validation {
    condition     = try(length(var.access.topic_arns) > 0, false)
    error_message = "access.topic_arns is ${jsonencode(var.access.topic_arns)}: allowed is at least one topic."
  }

  validation {
    condition     = try(alltrue([for arn in var.access.topic_arns : can(regex("^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+$", arn))]), true)
    error_message = "access.topic_arns is ${jsonencode(var.access.topic_arns)}: a topic is arn:aws:sns:<region>:<account>:<name>."
  }

  validation {
    condition     = var.access.kms_key_arn == null || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.access.kms_key_arn))
    error_message = "access.kms_key_arn is not the ARN of a key: allowed is arn:aws:kms:<region>:<account>:key/<id>, or null."
  }
}
