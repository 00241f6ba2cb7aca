variable "name" {
  description = "Name of the endpoint: the topics are `<name>-success` and `<name>-error`."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,248}$", var.name))
    error_message = "name is ${var.name}: allowed are 1 to 248 letters, digits, hyphens and underscores."
  }
}

variable "account_id" {
  description = "Account of the topics: SageMaker may publish on its behalf only."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id is ${var.account_id}: an account id is 12 digits."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts the messages, or null for AWS's own key for SNS. The publishing role needs kms:GenerateDataKey and kms:Decrypt."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.kms_key_arn))
    error_message = "kms_key_arn is not the ARN of a key: allowed is arn:aws:kms:<region>:<account>:key/<id>, or null."
  }
}

variable "subscribers" {
  description = <<-EOT
    Who hears of results and of failures: each is subscribed to both topics.
    - `emails`: addresses. AWS sends each a message that must be answered before anything else arrives.
    - `sqs_queue_arns`: existing queues. The policy of a queue must allow the topics to send to it.
    - `https`: addresses that confirm the subscription by themselves, as the SNS protocol asks.
  EOT
  type = object({
    emails         = optional(set(string), [])
    sqs_queue_arns = optional(set(string), [])
    https          = optional(set(string), [])
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for address in var.subscribers.emails : can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", address))])
    error_message = "subscribers.emails has ${jsonencode(var.subscribers.emails)}: an address is <name>@<domain>."
  }

  validation {
    condition = alltrue([
      for arn in var.subscribers.sqs_queue_arns : can(regex("^arn:aws[a-z-]*:sqs:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,80}$", arn))
    ])
    error_message = "subscribers.sqs_queue_arns has ${jsonencode(var.subscribers.sqs_queue_arns)}: a standard queue is arn:aws:sqs:<region>:<account>:<name>."
  }

  validation {
    condition     = alltrue([for url in var.subscribers.https : can(regex("^https://[^/\\s]+(/\\S*)?$", url))])
    error_message = "subscribers.https has ${jsonencode(var.subscribers.https)}: an address starts with https://."
  }
}

variable "queue" {
  description = <<-EOT
    A queue that gets the messages of both topics, with a dead-letter queue beside it, or null. Their names are
    `<name>-notifications` and `<name>-notifications-dead-letters`. What a webhook does not take goes to the dead letters too.
    - `visibility_timeout_seconds`: how long a message that was received is hidden from other receivers, 0 to 43200. Default 30.
    - `retention_seconds`: how long a message that nobody deletes is kept, 60 to 1209600. Default 345600, which is 4 days.
    - `max_receives`: how often a message is received before it becomes a dead letter, 1 to 1000. Default 5.
  EOT
  type = object({
    visibility_timeout_seconds = optional(number, 30)
    retention_seconds          = optional(number, 345600)
    max_receives               = optional(number, 5)
  })
  default = null

  validation {
    condition     = var.queue == null || try(var.queue.visibility_timeout_seconds >= 0 && var.queue.visibility_timeout_seconds <= 43200 && floor(var.queue.visibility_timeout_seconds) == var.queue.visibility_timeout_seconds, false)
    error_message = "queue.visibility_timeout_seconds is ${jsonencode(try(var.queue.visibility_timeout_seconds, null))}: allowed are whole seconds from 0 to 43200."
  }

  validation {
    condition     = var.queue == null || try(var.queue.retention_seconds >= 60 && var.queue.retention_seconds <= 1209600 && floor(var.queue.retention_seconds) == var.queue.retention_seconds, false)
    error_message = "queue.retention_seconds is ${jsonencode(try(var.queue.retention_seconds, null))}: allowed are whole seconds from 60 to 1209600."
  }

  validation {
    condition     = var.queue == null || try(var.queue.max_receives >= 1 && var.queue.max_receives <= 1000 && floor(var.queue.max_receives) == var.queue.max_receives, false)
    error_message = "queue.max_receives is ${jsonencode(try(var.queue.max_receives, null))}: allowed are whole numbers from 1 to 1000."
  }

  validation {
    condition     = var.queue == null || length("${var.name}-notifications-dead-letters") <= 80
    error_message = "queue needs a name of ${length("${var.name}-notifications-dead-letters")} characters for its dead letters: allowed are 80, which leaves 53 for name."
  }
}

variable "filter_policies" {
  description = <<-EOT
    Which messages subscribers get: filter policies of SNS on the message's body, as JSON, such as
    `{"invocationStatus": ["Failed"]}`. A kind of subscriber without one gets every message.
    - `emails`: of all addresses.
    - `sqs_queue_arns`: of all existing queues.
    - `https`: of all webhooks.
    - `queue`: of the module's own queue.
  EOT
  type = object({
    emails         = optional(string)
    sqs_queue_arns = optional(string)
    https          = optional(string)
    queue          = optional(string)
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for policy in values(var.filter_policies) : policy == null ? true : can(keys(jsondecode(policy)))])
    error_message = "filter_policies has ${jsonencode(var.filter_policies)}: a policy is the JSON of an object, such as {\"invocationStatus\": [\"Failed\"]}."
  }

  validation {
    condition     = alltrue([for policy in values(var.filter_policies) : policy == null ? true : contains(range(1, 6), try(length(keys(jsondecode(policy))), 1))])
    error_message = "filter_policies has ${jsonencode(var.filter_policies)}: a policy has 1 to 5 keys."
  }

  validation {
    condition     = var.filter_policies.queue == null || var.queue != null
    error_message = "filter_policies.queue is ${jsonencode(var.filter_policies.queue)}: there is no queue to filter for."
  }
}
