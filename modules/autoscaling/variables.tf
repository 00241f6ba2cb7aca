variable "endpoint_name" {
  description = "Name of the endpoint: the dimension of its metrics, and the start of the names of policies and alarm."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9](-*[A-Za-z0-9]){0,62}$", var.endpoint_name))
    error_message = "endpoint_name is ${var.endpoint_name}: allowed are 1 to 63 letters, digits and inner hyphens."
  }
}

variable "resource_id" {
  description = "What scales: `endpoint/<endpoint>/variant/<variant>`, as the module async_endpoint puts it out."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^endpoint/[A-Za-z0-9-]{1,63}/variant/[A-Za-z0-9-]{1,63}$", var.resource_id))
    error_message = "resource_id is ${var.resource_id}: allowed is endpoint/<endpoint>/variant/<variant>."
  }
}

variable "capacity" {
  description = <<-EOT
    Instances.
    - `min`: fewest, from 0. At 0 an idle endpoint has no instance, and the first request wakes it.
    - `max`: most, from 1 and not below `min`.
  EOT
  type = object({
    min = number
    max = number
  })
  nullable = false

  validation {
    condition     = var.capacity.min >= 0 && floor(var.capacity.min) == var.capacity.min
    error_message = "capacity.min is ${var.capacity.min}: allowed are whole numbers from 0."
  }

  validation {
    condition     = var.capacity.max >= 1 && floor(var.capacity.max) == var.capacity.max
    error_message = "capacity.max is ${var.capacity.max}: allowed are whole numbers from 1."
  }

  validation {
    condition     = var.capacity.min <= var.capacity.max
    error_message = "capacity.min is ${var.capacity.min}: it may not be above capacity.max, which is ${var.capacity.max}."
  }
}

variable "backlog_per_instance" {
  description = "Requests that wait or run per instance at which the number of instances is right, above 0."
  type        = number
  nullable    = false

  validation {
    condition     = var.backlog_per_instance > 0
    error_message = "backlog_per_instance is ${var.backlog_per_instance}: allowed are numbers above 0."
  }
}

variable "cooldowns" {
  description = <<-EOT
    Seconds after a change of the number of instances in which there is no other.
    - `scale_in`: before instances are taken away.
    - `scale_out`: before instances are added.
  EOT
  type = object({
    scale_in  = number
    scale_out = number
  })
  nullable = false

  validation {
    condition     = alltrue([for seconds in values(var.cooldowns) : seconds >= 0 && floor(seconds) == seconds])
    error_message = "cooldowns is ${jsonencode(var.cooldowns)}: allowed are whole seconds from 0."
  }
}
