variable "environment" {
  description = "Name of the environment: lower-case letters, digits and inner hyphens, up to 12 characters."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.environment)) && length(var.environment) <= 12
    error_message = "environment is ${var.environment}: allowed are up to 12 lower-case letters, digits and inner hyphens, with a letter first."
  }
}

variable "region" {
  description = "Region of the environment, the same as its registry's."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region is ${var.region}: a region is such as us-east-1."
  }
}

variable "account_id" {
  description = "Account of the environment: credentials of any other are refused."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id is ${var.account_id}: an account id is 12 digits."
  }
}

variable "name_prefix" {
  description = "Start of all names: lower-case letters, digits and inner hyphens, up to 16 characters."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name_prefix)) && length(var.name_prefix) <= 16
    error_message = "name_prefix is ${var.name_prefix}: allowed are up to 16 lower-case letters, digits and inner hyphens, with a letter first."
  }
}

variable "owner" {
  description = "Who answers for the environment: the tag `owner` of everything."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[\\w .:/=+@-]{0,256}$", var.owner))
    error_message = "owner is ${var.owner}: allowed are up to 256 letters, digits, spaces and _.:/=+@-."
  }
}

variable "tags" {
  description = "Tags of everything, beside `environment` and `owner`."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for key in keys(var.tags) : can(regex("^[\\w .:/=+@-]{1,128}$", key))])
    error_message = "tags has ${join(", ", keys(var.tags))}: a key is 1 to 128 letters, digits, spaces and _.:/=+@-."
  }

  validation {
    condition     = alltrue([for key in keys(var.tags) : !startswith(lower(key), "aws:")])
    error_message = "tags has ${join(", ", keys(var.tags))}: keys that start with aws: are reserved by AWS."
  }

  validation {
    condition     = alltrue([for value in values(var.tags) : can(regex("^[\\w .:/=+@-]{0,256}$", value))])
    error_message = "tags is ${jsonencode(var.tags)}: a value is up to 256 letters, digits, spaces and _.:/=+@-."
  }
}

variable "s3_use_path_style" {
  description = "Whether buckets are addressed in the path and not in the host name."
  type        = bool
  default     = false
  nullable    = false
}

variable "deletion_protection" {
  description = "Whether what holds data must never be emptied by Terraform: forbids `force_destroy`, and gives a destroyed key 30 days."
  type        = bool
  default     = false
  nullable    = false
}

variable "force_destroy" {
  description = "Whether a destroy deletes inputs, results and failures as well."
  type        = bool
  default     = false
  nullable    = false

  validation {
    condition     = !(var.force_destroy && var.deletion_protection)
    error_message = "force_destroy is true: it must be false with deletion_protection."
  }
}

variable "kms" {
  description = <<-EOT
    What encrypts data, messages and logs. With neither field: the keys that AWS manages.
    - `create`: whether the environment gets a key of its own. Default false.
    - `key_arn`: an existing key, whose policy lets CloudWatch Logs use it.
  EOT
  type = object({
    create  = optional(bool, false)
    key_arn = optional(string)
  })
  default  = { create = false }
  nullable = false

  validation {
    condition     = !(var.kms.create && var.kms.key_arn != null)
    error_message = "kms has create and key_arn: allowed is one of them, or none."
  }
}

variable "vpc" {
  description = <<-EOT
    Network that all instances are attached to, or null.
    - `subnet_ids`: 1 to 16 subnets.
    - `security_group_ids`: 1 to 5 security groups.
  EOT
  type = object({
    subnet_ids         = set(string)
    security_group_ids = set(string)
  })
  default = null
}

variable "notifications" {
  description = <<-EOT
    Who hears of the results and failures of every endpoint.
    - `emails`: addresses. Each must confirm.
    - `sqs_queue_arns`: existing queues whose policies let the topics send.
    - `https`: addresses that confirm by themselves.
    - `queue`: a queue for each endpoint, with dead letters: `visibility_timeout_seconds`, `retention_seconds`, `max_receives`.
    - `filter_policies`: which messages each kind of subscriber gets, as JSON: `emails`, `sqs_queue_arns`, `https`, `queue`.
  EOT
  type = object({
    emails         = optional(set(string), [])
    sqs_queue_arns = optional(set(string), [])
    https          = optional(set(string), [])
    queue = optional(object({
      visibility_timeout_seconds = optional(number)
      retention_seconds          = optional(number)
      max_receives               = optional(number)
    }))
    filter_policies = optional(object({
      emails         = optional(string)
      sqs_queue_arns = optional(string)
      https          = optional(string)
      queue          = optional(string)
    }), {})
  })
  default  = {}
  nullable = false
}

variable "alarm_recipients" {
  description = <<-EOT
    Who is told of alarms and of the budget.
    - `emails`: addresses. Each must confirm.
    - `https`: addresses that confirm by themselves.
  EOT
  type = object({
    emails = optional(set(string), [])
    https  = optional(set(string), [])
  })
  default  = {}
  nullable = false
}

variable "budget_usd" {
  description = "US dollars that the environment may cost in a month, or null: there is no budget."
  type        = number
  default     = null
}

variable "log_retention_days" {
  description = "Days after which the containers' log events go."
  type        = number
  default     = 30
  nullable    = false
}

variable "data_expiry" {
  description = <<-EOT
    When objects of the data bucket go. It keeps versions: an object that expires becomes an old version first.
    - `days_by_prefix`: days by the start of keys, such as `{ "<endpoint>/results/" = 90 }`. An endpoint has `inputs/`, `results/`, `failures/`
      and, with a trigger, `receipts/` below its key, and its uploads below the trigger's prefix. The prefix `""` is every object, of which the
      shortest of its times holds. Default: everything stays.
    - `noncurrent_days`: days for which versions are kept that were overwritten or have expired, or null: they stay. Default null.
  EOT
  type = object({
    days_by_prefix  = optional(map(number), {})
    noncurrent_days = optional(number)
  })
  default  = {}
  nullable = false
}

variable "abort_uploads_days" {
  description = "Days after which an upload in parts that was never completed is aborted, or null: never."
  type        = number
  default     = 7

  validation {
    condition     = var.abort_uploads_days == null ? true : var.abort_uploads_days >= 1 && floor(var.abort_uploads_days) == var.abort_uploads_days
    error_message = "abort_uploads_days is ${jsonencode(var.abort_uploads_days)}: allowed are whole numbers of days from 1, or null."
  }
}

variable "access_log_retention_days" {
  description = "Days for which each access to the data bucket is kept in a log, which is deleted a day later, or null: access is not logged."
  type        = number
  default     = null

  validation {
    condition     = var.access_log_retention_days == null ? true : var.access_log_retention_days >= 1 && floor(var.access_log_retention_days) == var.access_log_retention_days
    error_message = "access_log_retention_days is ${jsonencode(var.access_log_retention_days)}: allowed are whole numbers of days from 1, or null."
  }
}

variable "upload_trigger_package" {
  description = <<-EOT
    The code of the function behind every trigger, or null without one.
    - `file`: the archive that `glue` makes, as seen from this folder.
    - `source_code_hash`: the base64 of its sha256.
  EOT
  type = object({
    file             = string
    source_code_hash = string
  })
  default = null

  validation {
    condition     = var.upload_trigger_package != null || alltrue([for endpoint in values(var.endpoints) : endpoint.trigger == null])
    error_message = "upload_trigger_package is null: an endpoint with a trigger needs the function's code."
  }
}

variable "endpoints" {
  description = <<-EOT
    The asynchronous endpoints by key: lower-case letters, digits and inner hyphens, up to 32 characters.
    - `workload`: what it runs, the tail of its image's repository.
    - `instance_type`: such as `ml.m5.xlarge`.
    - `initial_instance_count`: instances after a deployment, from 1. Default 1.
    - `image`: by digest, `<account>.dkr.ecr.<region>.amazonaws.com/<repository>@sha256:<64 hex digits>`.
    - `model`: `source` is `bundled`, `archive` or `prefix`; `uri` is where in S3.
    - `environment`: variables of the container, over the defaults.
    - `timeouts`: seconds for the container's `server`, its `startup`, the `model_download` and one `invocation`.
    - `allow_short_timeouts`: whether the floors (300, 600, 600) do not hold. Default false.
    - `max_concurrent_invocations`: requests at the same time per instance, 1 to 1000.
    - `workers`: processes of the server in the container. Default 1.
    - `autoscaling`: instances `min` (from 0) and `max`, the right `backlog_per_instance`, `scale_in_cooldown` and
      `scale_out_cooldown` in seconds. `schedules` set other bounds by the clock: `schedule`, `timezone`, `min` and `max`, by name.
    - `include_response_in_notifications`: whether messages carry the answer. Default false.
    - `network_isolation`: whether the container has no network. Default false.
    - `deployment`: how an update moves the traffic: `strategy` (all_at_once, canary or linear, default all_at_once) with its
      `step_percent` and `step_interval_seconds`; seconds the former fleet stays (`bake_seconds`, default 0), and whether 5xx
      answers until then undo the update (`rollback_alarms`, default true).
    - `alarms`: `enabled` (default true), and when people are told: the numbers of `failures`, `server_errors`, `expired_requests`,
      `transfer_failures` and `notification_failures` in five minutes, `oldest_request_minutes` and `without_capacity_minutes`.
    - `trigger`: makes a request of every upload, or null: how the key of an upload begins (`prefix`) and ends (`suffixes`, default any), and
      how many uploads are worked on at the same time (`reserved_concurrency`, default 5).
  EOT
  type = map(object({
    workload               = string
    instance_type          = string
    initial_instance_count = optional(number, 1)
    image                  = string
    model = object({
      source = string
      uri    = optional(string)
    })
    environment = optional(map(string), {})
    timeouts = object({
      server         = number
      startup        = number
      model_download = number
      invocation     = number
    })
    allow_short_timeouts       = optional(bool, false)
    max_concurrent_invocations = number
    workers                    = optional(number, 1)
    autoscaling = object({
      min                  = number
      max                  = number
      backlog_per_instance = number
      scale_in_cooldown    = number
      scale_out_cooldown   = number
      schedules = optional(map(object({
        schedule = string
        timezone = optional(string, "UTC")
        min      = number
        max      = number
      })), {})
    })
    include_response_in_notifications = optional(bool, false)
    network_isolation                 = optional(bool, false)
    deployment = optional(object({
      strategy              = optional(string, "all_at_once")
      step_percent          = optional(number, 50)
      step_interval_seconds = optional(number, 300)
      bake_seconds          = optional(number, 0)
      rollback_alarms       = optional(bool, true)
    }), {})
    alarms = optional(object({
      enabled                  = optional(bool, true)
      failures                 = optional(number, 5)
      server_errors            = optional(number, 1)
      expired_requests         = optional(number, 1)
      transfer_failures        = optional(number, 1)
      notification_failures    = optional(number, 1)
      oldest_request_minutes   = optional(number, 60)
      without_capacity_minutes = optional(number, 20)
    }), {})
    trigger = optional(object({
      prefix               = string
      suffixes             = optional(set(string), [])
      reserved_concurrency = optional(number, 5)
    }))
  }))
  nullable = false

  validation {
    condition     = alltrue([for key in keys(var.endpoints) : can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", key)) && length(key) <= 32])
    error_message = "endpoints has ${join(", ", keys(var.endpoints))}: a key is up to 32 lower-case letters, digits and inner hyphens, with a letter first."
  }

  validation {
    condition     = alltrue([for endpoint in values(var.endpoints) : try(endswith(split("@", endpoint.image)[0], "/${endpoint.workload}"), false)])
    error_message = "endpoints has images ${jsonencode({ for key, endpoint in var.endpoints : key => endpoint.image })}: the repository of an image ends with the name of its workload."
  }

  validation {
    condition = alltrue([
      for key, endpoint in var.endpoints : alltrue([
        for other, another in var.endpoints : other == key || !try(startswith(endpoint.trigger.prefix, another.trigger.prefix), false)
      ])
    ])
    error_message = "endpoints has triggers for ${jsonencode({ for key, endpoint in var.endpoints : key => endpoint.trigger.prefix if endpoint.trigger != null })}: a prefix may not begin with another's, because an upload has one endpoint."
  }
}
