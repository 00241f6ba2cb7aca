variable "name" {
  description = "Name of the environment with its prefix, such as `platform-dev`: the start of the names of topic and budget."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9](-*[A-Za-z0-9]){0,62}$", var.name))
    error_message = "name is ${var.name}: allowed are 1 to 63 letters, digits and inner hyphens."
  }
}

variable "account_id" {
  description = "Account of the environment: its alarms and budgets alone may publish to the topic."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id is ${var.account_id}: an account id is 12 digits."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts the messages of the topic, or null: not encrypted, because alarms cannot use AWS's own key for SNS. Its policy must let `cloudwatch.amazonaws.com` and `budgets.amazonaws.com` use it."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.kms_key_arn))
    error_message = "kms_key_arn is not the ARN of a key: allowed is arn:aws:kms:<region>:<account>:key/<id>, or null."
  }
}

variable "recipients" {
  description = <<-EOT
    Who is told when an alarm begins, when it ends, and about the budget.
    - `emails`: addresses. AWS sends each a message that must be answered before anything else arrives.
    - `https`: addresses that confirm the subscription by themselves, as the SNS protocol asks.
  EOT
  type = object({
    emails = optional(set(string), [])
    https  = optional(set(string), [])
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for address in var.recipients.emails : can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", address))])
    error_message = "recipients.emails has ${jsonencode(var.recipients.emails)}: an address is <name>@<domain>."
  }

  validation {
    condition     = alltrue([for url in var.recipients.https : can(regex("^https://[^/\\s]+(/\\S*)?$", url))])
    error_message = "recipients.https has ${jsonencode(var.recipients.https)}: an address starts with https://."
  }
}

variable "budget" {
  description = <<-EOT
    What the environment may cost in a month, or null: there is no budget. It counts what has the tag, once the payer of
    the account has activated it as a cost allocation tag.
    - `usd`: US dollars a month, above 0. The topic is told at 80% spent, and when the forecast goes above 100%.
    - `tag_key`: key of the tag that all of the environment has. Default environment.
    - `tag_value`: its value. What else has the same tag in the account is counted too.
  EOT
  type = object({
    usd       = number
    tag_key   = optional(string, "environment")
    tag_value = string
  })
  default = null

  validation {
    condition     = var.budget == null || try(var.budget.usd > 0, false)
    error_message = "budget.usd is ${jsonencode(try(var.budget.usd, null))}: allowed are numbers above 0."
  }

  validation {
    condition     = var.budget == null || can(regex("^[\\w .:/=+@-]{1,128}$", var.budget.tag_key))
    error_message = "budget.tag_key is ${jsonencode(try(var.budget.tag_key, null))}: allowed are 1 to 128 letters, digits, blanks and _.:/=+@-."
  }

  validation {
    condition     = var.budget == null || can(regex("^[\\w .:/=+@-]{1,256}$", var.budget.tag_value))
    error_message = "budget.tag_value is ${jsonencode(try(var.budget.tag_value, null))}: allowed are 1 to 256 letters, digits, blanks and _.:/=+@-."
  }
}

variable "endpoints" {
  description = <<-EOT
    The asynchronous endpoints to watch, by key.
    - `name`: of the endpoint.
    - `variant_name`: of its variant. Default AllTraffic.
    - `log_group_name`: of the containers.
    - `success_topic_name`: topic for results.
    - `error_topic_name`: topic for failures.
    - `timeouts`: seconds that a request without an instance may have to wait for its end, from which the alarm `stuck` follows:
      `startup` of a container, `model_download`, and one `invocation`.
    - `dead_letter_queue_name`: queue for notifications that nobody could handle, or null. It gets an alarm that a first message sets
      off, whatever `alarms` is.
    - `trigger`: what turns uploads into requests, or null when there is none: `function_name`, `log_group_name`,
      `dead_letter_queue_name` (null when it has none) and the `alarm_names` of its own alarms.
    - `alarms`: null for none. Numbers of events are counted over five minutes, each from 1.
      - `failures`: requests that ended in a failure, a client's mistakes included. Default 5.
      - `server_errors`: answers with 5xx. Default 1.
      - `expired_requests`: requests that waited longer than they may. Default 1.
      - `transfer_failures`: inputs that could not be read, or results that could not be written. Default 1.
      - `notification_failures`: results that nobody was told of. Default 1.
      - `oldest_request_minutes`: how long a request may wait, 1 to 360, after which it expires. Default 60.
      - `without_capacity_minutes`: how long requests may wait for a first instance, 1 to 360. Default 20.
  EOT
  type = map(object({
    name               = string
    variant_name       = optional(string, "AllTraffic")
    log_group_name     = string
    success_topic_name = string
    error_topic_name   = string
    timeouts = object({
      startup        = number
      model_download = number
      invocation     = number
    })
    dead_letter_queue_name = optional(string)
    trigger = optional(object({
      function_name          = string
      log_group_name         = string
      dead_letter_queue_name = optional(string)
      alarm_names            = optional(list(string), [])
    }))
    alarms = optional(object({
      failures                 = optional(number, 5)
      server_errors            = optional(number, 1)
      expired_requests         = optional(number, 1)
      transfer_failures        = optional(number, 1)
      notification_failures    = optional(number, 1)
      oldest_request_minutes   = optional(number, 60)
      without_capacity_minutes = optional(number, 20)
    }))
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for one in values(var.endpoints) : can(regex("^[A-Za-z0-9](-*[A-Za-z0-9]){0,62}$", one.name))])
    error_message = "endpoints has the names ${jsonencode([for one in values(var.endpoints) : one.name])}: a name is 1 to 63 letters, digits and inner hyphens."
  }

  validation {
    condition     = alltrue([for one in values(var.endpoints) : can(regex("^[A-Za-z0-9](-*[A-Za-z0-9]){0,62}$", one.variant_name))])
    error_message = "endpoints has the variants ${jsonencode([for one in values(var.endpoints) : one.variant_name])}: a name is 1 to 63 letters, digits and inner hyphens."
  }

  validation {
    condition     = alltrue([for one in values(var.endpoints) : can(regex("^[A-Za-z0-9_/.#-]{1,512}$", one.log_group_name))])
    error_message = "endpoints has the log groups ${jsonencode([for one in values(var.endpoints) : one.log_group_name])}: a name is 1 to 512 letters, digits and _-/.#."
  }

  validation {
    condition     = alltrue([for one in values(var.endpoints) : can(regex("^[A-Za-z0-9_/.#-]{1,512}$", one.trigger.log_group_name)) if one.trigger != null])
    error_message = "endpoints has triggers with the log groups ${jsonencode([for one in values(var.endpoints) : one.trigger.log_group_name if one.trigger != null])}: a name is 1 to 512 letters, digits and _-/.#."
  }

  validation {
    condition     = alltrue([for one in values(var.endpoints) : can(regex("^[A-Za-z0-9_-]{1,256}$", one.success_topic_name))])
    error_message = "endpoints has the topics for results ${jsonencode([for one in values(var.endpoints) : one.success_topic_name])}: a name, not an ARN, is 1 to 256 letters, digits, hyphens and underscores."
  }

  validation {
    condition     = alltrue([for one in values(var.endpoints) : can(regex("^[A-Za-z0-9_-]{1,256}$", one.error_topic_name))])
    error_message = "endpoints has the topics for failures ${jsonencode([for one in values(var.endpoints) : one.error_topic_name])}: a name, not an ARN, is 1 to 256 letters, digits, hyphens and underscores."
  }

  validation {
    condition     = alltrue([for one in values(var.endpoints) : can(regex("^[A-Za-z0-9_-]{1,80}$", one.dead_letter_queue_name)) if one.dead_letter_queue_name != null])
    error_message = "endpoints has the dead-letter queues ${jsonencode([for one in values(var.endpoints) : one.dead_letter_queue_name])}: a name, not an ARN, is 1 to 80 letters, digits, hyphens and underscores."
  }

  validation {
    condition     = try(alltrue([for one in values(var.endpoints) : alltrue([for seconds in values(one.timeouts) : seconds >= 1 && seconds <= 3600])]), false)
    error_message = "endpoints has timeouts ${jsonencode([for one in values(var.endpoints) : one.timeouts])}: allowed are 1 to 3600 seconds."
  }

  validation {
    condition     = alltrue([for one in values(var.endpoints) : alltrue([for number in values(one.alarms) : number >= 1 && floor(number) == number]) if one.alarms != null])
    error_message = "endpoints has alarms ${jsonencode([for one in values(var.endpoints) : one.alarms])}: allowed are whole numbers from 1."
  }

  validation {
    condition     = alltrue([for one in values(var.endpoints) : one.alarms.oldest_request_minutes <= 360 if one.alarms != null])
    error_message = "endpoints has alarms after oldest_request_minutes ${jsonencode([for one in values(var.endpoints) : one.alarms.oldest_request_minutes if one.alarms != null])}: allowed are up to 360, after which a request expires."
  }

  validation {
    condition     = alltrue([for one in values(var.endpoints) : one.alarms.without_capacity_minutes <= 360 if one.alarms != null])
    error_message = "endpoints has alarms after without_capacity_minutes ${jsonencode([for one in values(var.endpoints) : one.alarms.without_capacity_minutes if one.alarms != null])}: allowed are up to 360, after which a request expires."
  }
}
