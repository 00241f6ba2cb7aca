variable "name" {
  description = "Name of the endpoint: the function, its rule and its log group are named `<name>-uploads`."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9](-?[A-Za-z0-9]){0,55}$", var.name)) && length(var.name) <= 56
    error_message = "name is ${var.name}: allowed are 1 to 56 letters, digits and inner hyphens."
  }
}

variable "account_id" {
  description = "Account of the endpoint, the bucket and the function."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id is ${var.account_id}: an account id is 12 digits."
  }
}

variable "endpoint" {
  description = <<-EOT
    The asynchronous endpoint that is invoked.
    - `arn`: its ARN.
    - `invocation_timeout`: seconds that one request may take, 1 to 3600. SageMaker keeps none with the endpoint.
  EOT
  type = object({
    arn                = string
    invocation_timeout = number
  })
  nullable = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:sagemaker:[a-z0-9-]+:[0-9]{12}:endpoint/[A-Za-z0-9-]+$", var.endpoint.arn))
    error_message = "endpoint.arn is ${jsonencode(var.endpoint.arn)}: allowed is arn:aws:sagemaker:<region>:<account>:endpoint/<name>."
  }

  validation {
    condition     = try(var.endpoint.invocation_timeout >= 1 && var.endpoint.invocation_timeout <= 3600 && floor(var.endpoint.invocation_timeout) == var.endpoint.invocation_timeout, false)
    error_message = "endpoint.invocation_timeout is ${jsonencode(var.endpoint.invocation_timeout)}: allowed are whole seconds from 1 to 3600."
  }
}

variable "uploads" {
  description = <<-EOT
    What counts as an upload: an object made in a bucket that keeps versions and sends its events to EventBridge.
    - `bucket`: its name.
    - `prefix`: how its key begins, whole folders such as `rooms/uploads/`.
    - `suffixes`: how its key ends, such as `.png`, in the case that is given; empty: in any way.
  EOT
  type = object({
    bucket   = string
    prefix   = string
    suffixes = optional(set(string), [])
  })
  nullable = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.uploads.bucket))
    error_message = "uploads.bucket is ${jsonencode(var.uploads.bucket)}: allowed are 3 to 63 lower-case letters, digits and inner hyphens."
  }

  validation {
    condition     = try(can(regex("^([A-Za-z0-9_.-]+/)+$", var.uploads.prefix)) && length(var.uploads.prefix) <= 256, false)
    error_message = "uploads.prefix is ${jsonencode(var.uploads.prefix)}: allowed are up to 256 letters, digits, dots, hyphens and underscores in folders, with a slash at the end."
  }

  validation {
    condition     = alltrue([for suffix in var.uploads.suffixes : can(regex("^(\\.[A-Za-z0-9]{1,16}){1,2}$", suffix))])
    error_message = "uploads.suffixes has ${jsonencode(var.uploads.suffixes)}: a suffix is a dot with 1 to 16 letters or digits, or two such."
  }

  validation {
    condition     = length(var.uploads.suffixes) <= 16
    error_message = "uploads.suffixes has ${length(var.uploads.suffixes)}: allowed are up to 16."
  }
}

variable "prefixes" {
  description = <<-EOT
    Where in the same bucket function and endpoint write, outside of the uploads.
    - `inputs`: the version that was uploaded, as the endpoint reads it.
    - `receipts`: what became of each upload, a JSON document each.
    - `results`: the endpoint's answers.
    - `failures`: the endpoint's reports of failures.
  EOT
  type = object({
    inputs   = string
    receipts = string
    results  = string
    failures = string
  })
  nullable = false

  validation {
    condition     = alltrue([for prefix in values(var.prefixes) : can(regex("^([A-Za-z0-9_.-]+/)+$", prefix))])
    error_message = "prefixes are ${jsonencode(var.prefixes)}: allowed are letters, digits, dots, hyphens and underscores in folders, with a slash at the end."
  }

  validation {
    condition     = try(alltrue([for prefix in values(var.prefixes) : !startswith(prefix, var.uploads.prefix) && !startswith(var.uploads.prefix, prefix)]), false)
    error_message = "prefixes are ${jsonencode(var.prefixes)}: none may overlap with uploads.prefix, ${jsonencode(var.uploads.prefix)}, or each upload would make another."
  }
}

variable "package" {
  description = <<-EOT
    The function's code.
    - `file`: the archive that `glue` makes of `function/`, the same bytes on every machine.
    - `source_code_hash`: the base64 of its sha256.
  EOT
  type = object({
    file             = string
    source_code_hash = string
  })
  nullable = false

  validation {
    condition     = try(endswith(var.package.file, ".zip"), false)
    error_message = "package.file is ${jsonencode(var.package.file)}: allowed is a .zip archive."
  }

  validation {
    condition     = can(regex("^[A-Za-z0-9+/]{43}=$", var.package.source_code_hash))
    error_message = "package.source_code_hash is ${jsonencode(var.package.source_code_hash)}: allowed is the base64 of a sha256, 44 characters."
  }
}

variable "reserved_concurrency" {
  description = "Runs of the function at the same time, from 1: the throttle. Further uploads wait for up to 6 hours. It is taken from the account's limit."
  type        = number
  default     = 5
  nullable    = false

  validation {
    condition     = var.reserved_concurrency >= 1 && var.reserved_concurrency <= 1000 && floor(var.reserved_concurrency) == var.reserved_concurrency
    error_message = "reserved_concurrency is ${var.reserved_concurrency}: allowed are whole numbers from 1 to 1000."
  }
}

variable "kms_key_arn" {
  description = "Key of the bucket, which also encrypts settings, logs and dead letters, or null for AWS's own keys. EventBridge and CloudWatch Logs must be allowed to use it."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.kms_key_arn))
    error_message = "kms_key_arn is not the ARN of a key: allowed is arn:aws:kms:<region>:<account>:key/<id>, or null."
  }
}

variable "log_retention_days" {
  description = "Days after which the function's log events go."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days is ${var.log_retention_days}: CloudWatch Logs knows 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 and 3653."
  }
}

variable "alarm_topic_arns" {
  description = "Topics that hear of uploads that were given up. CloudWatch must be allowed to publish to them."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.alarm_topic_arns : can(regex("^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}$", arn))])
    error_message = "alarm_topic_arns has ${join(", ", var.alarm_topic_arns)}: a topic is arn:aws:sns:<region>:<account>:<name>."
  }
}
