variable "region" {
  description = "Region of the registry. SageMaker reads images and artifacts of its own region only."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region is ${var.region}: a region is such as us-east-1."
  }
}

variable "account_id" {
  description = "Account of the registry: credentials of any other are refused."
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

variable "tags" {
  description = "Tags of everything."
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
  description = "Whether what holds data must never be emptied by Terraform: forbids `force_destroy`."
  type        = bool
  default     = false
  nullable    = false
}

variable "force_destroy" {
  description = "Whether a destroy deletes images and artifacts as well."
  type        = bool
  default     = false
  nullable    = false

  validation {
    condition     = !(var.force_destroy && var.deletion_protection)
    error_message = "force_destroy is true: it must be false with deletion_protection."
  }
}

variable "workloads" {
  description = "Workloads: each gets a repository `<name_prefix>/<workload>`."
  type        = set(string)
  nullable    = false

  validation {
    condition     = alltrue([for name in var.workloads : can(regex("^[a-z][a-z0-9]*(_[a-z0-9]+)*$", name))])
    error_message = "workloads has ${join(", ", var.workloads)}: a name is made of lower-case letters, digits and inner underscores, with a letter first."
  }
}

variable "consumer_account_ids" {
  description = "Other accounts whose SageMaker may pull the images and read the artifacts."
  type        = set(string)
  default     = []
  nullable    = false
}

variable "untagged_images_kept" {
  description = "How many images without a tag each repository keeps. Images with a tag never expire."
  type        = number
  default     = 10
  nullable    = false
}

variable "access_log_retention_days" {
  description = "Days for which each access to the artifacts is kept in a log, which is deleted a day later, or null: access is not logged."
  type        = number
  default     = null

  validation {
    condition     = var.access_log_retention_days == null ? true : var.access_log_retention_days >= 1 && floor(var.access_log_retention_days) == var.access_log_retention_days
    error_message = "access_log_retention_days is ${jsonencode(var.access_log_retention_days)}: allowed are whole numbers of days from 1, or null."
  }
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

variable "image_replication" {
  description = <<-EOT
    Where images are copied to when they are pushed.
    - `region`: such as `us-west-2`.
    - `account_id`: another account, whose registry policy must let this one replicate. Default: the same account.
  EOT
  type = list(object({
    region     = string
    account_id = optional(string)
  }))
  default  = []
  nullable = false
}
