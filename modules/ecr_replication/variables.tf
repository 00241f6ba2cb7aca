variable "account_id" {
  description = "Account of the registry that is copied."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id is ${var.account_id}: an account id is 12 digits."
  }
}

variable "repository_prefix" {
  description = "Start of the names of the repositories that are copied, such as `platform/`: 2 to 256 characters."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^([a-z0-9]+([._-][a-z0-9]*)*/)*[a-z0-9]*([._-][a-z0-9]*)*$", var.repository_prefix))
    error_message = "repository_prefix is ${var.repository_prefix}: allowed are lower-case letters, digits, `.`, `_`, `-` and single `/`."
  }

  validation {
    condition     = length(var.repository_prefix) >= 2 && length(var.repository_prefix) <= 256
    error_message = "repository_prefix is ${jsonencode(var.repository_prefix)}: allowed are 2 to 256 characters."
  }
}

variable "destinations" {
  description = <<-EOT
    Where images are copied to when they are pushed.
    - `region`: such as `us-west-2`.
    - `account_id`: another account, whose registry policy must let this one replicate. Default: the same account, in another region.
  EOT
  type = list(object({
    region     = string
    account_id = optional(string)
  }))
  nullable = false

  validation {
    condition     = length(var.destinations) >= 1 && length(var.destinations) <= 25
    error_message = "destinations has ${length(var.destinations)} elements: allowed are 1 to 25."
  }

  validation {
    condition     = alltrue([for one in var.destinations : can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", one.region))])
    error_message = "destinations has regions ${jsonencode(var.destinations[*].region)}: a region is such as us-west-2."
  }

  validation {
    condition     = alltrue([for one in var.destinations : one.account_id == null ? true : can(regex("^[0-9]{12}$", one.account_id))])
    error_message = "destinations has accounts ${join(", ", compact(var.destinations[*].account_id))}: an account id is 12 digits."
  }

  validation {
    condition     = length(distinct([for one in var.destinations : [one.region, coalesce(one.account_id, var.account_id)]])) == length(var.destinations)
    error_message = "destinations has ${jsonencode(var.destinations)}: allowed is each region of an account once."
  }
}
