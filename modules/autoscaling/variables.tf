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
    condition     = try(var.capacity.min >= 0 && floor(var.capacity.min) == var.capacity.min, false)
    error_message = "capacity.min is ${jsonencode(var.capacity.min)}: allowed are whole numbers from 0."
  }

  validation {
    condition     = try(var.capacity.max >= 1 && floor(var.capacity.max) == var.capacity.max, false)
    error_message = "capacity.max is ${jsonencode(var.capacity.max)}: allowed are whole numbers from 1."
  }

  validation {
    condition     = try(var.capacity.min <= var.capacity.max, false)
    error_message = "capacity.min is ${jsonencode(var.capacity.min)}: it may not be above capacity.max, which is ${jsonencode(var.capacity.max)}."
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
    condition     = try(alltrue([for seconds in values(var.cooldowns) : seconds >= 0 && floor(seconds) == seconds]), false)
    error_message = "cooldowns is ${jsonencode(var.cooldowns)}: allowed are whole seconds from 0."
  }
}

variable "schedules" {
  description = <<-EOT
    Bounds that change with the clock, by name. From the first schedule on, `capacity` says only where a newly registered target
    begins: the schedules own the bounds, so that an apply between two of them changes nothing.
    - `schedule`: `cron(<minutes> <hours> <day of month> <month> <day of week> <year>)`, `rate(<number> <unit>)` or `at(<yyyy-mm-ddThh:mm:ss>)`.
    - `timezone`: name of a time zone, such as `Europe/Berlin`, for `cron` and `at`. Default UTC.
    - `min`: fewest instances from then on, from 0.
    - `max`: most instances from then on, from 1 and not below `min`.
  EOT
  type = map(object({
    schedule = string
    timezone = optional(string, "UTC")
    min      = number
    max      = number
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for name in keys(var.schedules) : can(regex("^[a-z0-9](-?[a-z0-9]){0,63}$", name))])
    error_message = "schedules has ${join(", ", keys(var.schedules))}: a name is 1 to 64 lower-case letters, digits and inner hyphens."
  }

  validation {
    condition     = alltrue([for one in values(var.schedules) : can(regex("^(cron\\(\\S+( \\S+){5}\\)|rate\\([1-9][0-9]* (minute|hour|day)s?\\)|at\\([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\))$", one.schedule))])
    error_message = "schedules has ${jsonencode([for one in values(var.schedules) : one.schedule])}: allowed are cron(<six fields>), rate(<number> <unit>) and at(<yyyy-mm-ddThh:mm:ss>)."
  }

  validation {
    condition     = alltrue([for one in values(var.schedules) : can(regex("^[A-Za-z]+([/_+-][A-Za-z0-9]+)*$", one.timezone))])
    error_message = "schedules has time zones ${jsonencode([for one in values(var.schedules) : one.timezone])}: allowed are names such as UTC and Europe/Berlin."
  }

  validation {
    condition     = try(alltrue([for one in values(var.schedules) : one.min >= 0 && floor(one.min) == one.min]), false)
    error_message = "schedules has min ${jsonencode([for one in values(var.schedules) : one.min])}: allowed are whole numbers from 0."
  }

  validation {
    condition     = try(alltrue([for one in values(var.schedules) : one.max >= 1 && floor(one.max) == one.max]), false)
    error_message = "schedules has max ${jsonencode([for one in values(var.schedules) : one.max])}: allowed are whole numbers from 1."
  }

  validation {
    condition     = try(alltrue([for one in values(var.schedules) : one.min <= one.max]), false)
    error_message = "schedules has ${jsonencode(var.schedules)}: min may not be above max."
  }
}
