variable "name" {
  description = "Name of the endpoint: 1 to 63 letters, digits and inner hyphens."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9](-*[A-Za-z0-9]){0,62}$", var.name))
    error_message = "name is ${var.name}: allowed are 1 to 63 letters, digits and inner hyphens."
  }
}

variable "variant_name" {
  description = "Name of the endpoint's only variant."
  type        = string
  default     = "AllTraffic"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9](-*[A-Za-z0-9]){0,62}$", var.variant_name))
    error_message = "variant_name is ${var.variant_name}: allowed are 1 to 63 letters, digits and inner hyphens."
  }
}

variable "model_name" {
  description = "Name of the SageMaker model to run, as the module model puts it out: there, its role can do all it must."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9](-*[A-Za-z0-9]){0,62}$", var.model_name))
    error_message = "model_name is ${var.model_name}: allowed are 1 to 63 letters, digits and inner hyphens."
  }
}

variable "instance_type" {
  description = "Type of the instances, such as `ml.m5.xlarge`."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^ml\\.[a-z0-9-]+\\.[a-z0-9]+$", var.instance_type))
    error_message = "instance_type is ${var.instance_type}: allowed is ml.<family>.<size>, such as ml.m5.xlarge."
  }
}

variable "variant_weight" {
  description = "Weight of the variant, above 0. An asynchronous endpoint has one variant, which gets all requests with any weight (decision 28)."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.variant_weight > 0
    error_message = "variant_weight is ${var.variant_weight}: allowed are numbers above 0; a variant without weight gets no requests."
  }
}

variable "initial_instance_count" {
  description = "Instances that a new endpoint, and one whose configuration has changed, starts with, from 1. Autoscaling takes over from there."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.initial_instance_count >= 1 && floor(var.initial_instance_count) == var.initial_instance_count
    error_message = "initial_instance_count is ${var.initial_instance_count}: allowed are whole numbers from 1; only autoscaling reaches 0."
  }
}

variable "timeouts" {
  description = <<-EOT
    Seconds.
    - `startup`: how long a container may take until `/ping` answers, 600 (see `allow_short_timeouts`) to 3600.
    - `model_download`: how long the download of the model may take, 600 (see `allow_short_timeouts`) to 3600.
  EOT
  type = object({
    startup        = number
    model_download = number
  })
  nullable = false

  validation {
    condition     = try(alltrue([for seconds in values(var.timeouts) : seconds >= 60 && seconds <= 3600 && floor(seconds) == seconds]), false)
    error_message = "timeouts is ${jsonencode(var.timeouts)}: allowed are whole seconds from 60 to 3600."
  }

  validation {
    condition     = try(var.timeouts.startup >= 600 || var.allow_short_timeouts, false)
    error_message = "timeouts.startup is ${jsonencode(var.timeouts.startup)}: allowed are 600 seconds or more, because loading a model takes minutes; allow_short_timeouts lifts this."
  }

  validation {
    condition     = try(var.timeouts.model_download >= 600 || var.allow_short_timeouts, false)
    error_message = "timeouts.model_download is ${jsonencode(var.timeouts.model_download)}: allowed are 600 seconds or more, because models are large; allow_short_timeouts lifts this."
  }
}

variable "allow_short_timeouts" {
  description = "Whether timeouts below the floors are allowed, for a model that is known to load in seconds."
  type        = bool
  default     = false
  nullable    = false
}

variable "max_concurrent_invocations" {
  description = "Requests that SageMaker sends to an instance at the same time, 1 to 1000."
  type        = number
  nullable    = false

  validation {
    condition     = var.max_concurrent_invocations >= 1 && var.max_concurrent_invocations <= 1000 && floor(var.max_concurrent_invocations) == var.max_concurrent_invocations
    error_message = "max_concurrent_invocations is ${var.max_concurrent_invocations}: allowed are whole numbers from 1 to 1000."
  }
}

variable "output" {
  description = <<-EOT
    Where answers go, in S3. The execution role must be allowed to write there.
    - `results_uri`: prefix for results, `s3://<bucket>/<prefix>/`.
    - `failures_uri`: prefix for failures, `s3://<bucket>/<prefix>/`.
  EOT
  type = object({
    results_uri  = string
    failures_uri = string
  })
  nullable = false

  validation {
    condition     = try(alltrue([for uri in values(var.output) : length(uri) <= 512 && can(regex("^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/.+/$", uri))]), false)
    error_message = "output is ${jsonencode(var.output)}: allowed is s3://<bucket>/<prefix>/ with the slash at its end, up to 512 characters."
  }

  validation {
    condition     = var.output.results_uri != var.output.failures_uri
    error_message = "output.results_uri and output.failures_uri are both ${jsonencode(var.output.results_uri)}: failures need a prefix of their own."
  }
}

variable "notifications" {
  description = <<-EOT
    Whom SageMaker tells.
    - `success_topic_arn`: topic for results. The execution role must be allowed to publish to it.
    - `error_topic_arn`: topic for failures. The execution role must be allowed to publish to it.
    - `include_response`: whether the messages carry the answer itself, up to 128 KB. Default false.
  EOT
  type = object({
    success_topic_arn = string
    error_topic_arn   = string
    include_response  = optional(bool, false)
  })
  nullable = false

  validation {
    condition = alltrue([
      for arn in [var.notifications.success_topic_arn, var.notifications.error_topic_arn] :
      can(regex("^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+$", arn))
    ])
    error_message = "notifications has ${jsonencode(var.notifications.success_topic_arn)} and ${jsonencode(var.notifications.error_topic_arn)}: a standard topic is arn:aws:sns:<region>:<account>:<name>."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts results, instance volumes (where the instance type takes one) and logs, or null for AWS's own. Its policy must let CloudWatch Logs use it."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.kms_key_arn))
    error_message = "kms_key_arn is not the ARN of a key: allowed is arn:aws:kms:<region>:<account>:key/<id>, or null."
  }
}

variable "deployment" {
  description = <<-EOT
    How an update replaces the running instances (blue/green). All its waits together may take 2700 seconds: the provider
    gives an update an hour, in which the new instances must start as well.
    - `strategy`: `all_at_once` moves all traffic in one step; `canary` one part, then the rest; `linear` equal parts. Default all_at_once.
    - `step_percent`: canary and linear only: share of the instances that the first step (canary, 1 to 50) or each step (linear,
      10 to 50) moves, at least one instance. Default 50.
    - `step_interval_seconds`: canary and linear only: how long each step is watched before the next, 0 to 2700. Default 300.
    - `bake_seconds`: how long the former instances stay after the last step, ready to take over again, 0 to 2700. Default 0.
    - `rollback_alarms`: whether answers with 5xx until the end of the bake undo the update. A change replaces the endpoint. Default true.
  EOT
  type = object({
    strategy              = optional(string, "all_at_once")
    step_percent          = optional(number, 50)
    step_interval_seconds = optional(number, 300)
    bake_seconds          = optional(number, 0)
    rollback_alarms       = optional(bool, true)
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(["all_at_once", "canary", "linear"], var.deployment.strategy)
    error_message = "deployment.strategy is ${var.deployment.strategy}: allowed are all_at_once, canary and linear."
  }

  validation {
    condition     = var.deployment.step_percent >= (var.deployment.strategy == "linear" ? 10 : 1) && var.deployment.step_percent <= 50 && floor(var.deployment.step_percent) == var.deployment.step_percent
    error_message = "deployment.step_percent is ${var.deployment.step_percent}: allowed are whole percents from 1 (canary) or 10 (linear) to 50."
  }

  validation {
    condition     = var.deployment.strategy == "all_at_once" || var.initial_instance_count * var.deployment.step_percent >= 100
    error_message = "deployment.strategy is ${var.deployment.strategy}: a step of ${var.deployment.step_percent}% of ${var.initial_instance_count} initial instances moves none; allowed are steps of at least one instance."
  }

  validation {
    condition     = var.deployment.step_interval_seconds >= 0 && var.deployment.step_interval_seconds <= 2700 && floor(var.deployment.step_interval_seconds) == var.deployment.step_interval_seconds
    error_message = "deployment.step_interval_seconds is ${var.deployment.step_interval_seconds}: allowed are whole seconds from 0 to 2700."
  }

  validation {
    condition     = var.deployment.bake_seconds >= 0 && var.deployment.bake_seconds <= 2700 && floor(var.deployment.bake_seconds) == var.deployment.bake_seconds
    error_message = "deployment.bake_seconds is ${var.deployment.bake_seconds}: allowed are whole seconds from 0 to 2700."
  }

  validation {
    condition = var.deployment.bake_seconds + var.deployment.step_interval_seconds * lookup({
      canary = 1
      linear = ceil(100 / max(var.deployment.step_percent, 1)) - 1
    }, var.deployment.strategy, 0) <= 2700
    error_message = "deployment waits too long (${jsonencode(var.deployment)}): allowed are up to 2700 seconds for the intervals between steps and the bake together."
  }
}

variable "log_retention_days" {
  description = "Days after which log events go: one of the numbers that CloudWatch Logs allows."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition = contains([
      1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
    ], var.log_retention_days)
    error_message = "log_retention_days is ${var.log_retention_days}: allowed are 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 and 3653."
  }
}
