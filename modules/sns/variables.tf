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
    error_message = "subscribers.emails has ${join(", ", var.subscribers.emails)}: an address is <name>@<domain>."
  }

  validation {
    condition = alltrue([
      for arn in var.subscribers.sqs_queue_arns : can(regex("^arn:aws[a-z-]*:sqs:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,80}$", arn))
    ])
    error_message = "subscribers.sqs_queue_arns has ${join(", ", var.subscribers.sqs_queue_arns)}: a standard queue is arn:aws:sqs:<region>:<account>:<name>."
  }

  validation {
    condition     = alltrue([for url in var.subscribers.https : can(regex("^https://[^/\\s]+(/\\S*)?$", url))])
    error_message = "subscribers.https has ${join(", ", var.subscribers.https)}: an address starts with https://."
  }
}
