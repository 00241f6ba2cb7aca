variable "name" {
  description = "Name of the bucket: 3 to 63 lower-case letters, digits and hyphens. It is unique among all AWS accounts."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.name))
    error_message = "name is ${var.name}: allowed are 3 to 63 lower-case letters, digits and hyphens, with a letter or digit at both ends."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts the objects, or null for S3's own keys (SSE-S3). Readers of other accounts need its permission too."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.kms_key_arn))
    error_message = "kms_key_arn is not the ARN of a key: allowed is arn:aws:kms:<region>:<account>:key/<id>, or null."
  }
}

variable "reader_account_ids" {
  description = "Other accounts whose roles may read every object. Their roles need the permission as well."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for id in var.reader_account_ids : can(regex("^[0-9]{12}$", id))])
    error_message = "reader_account_ids has ${join(", ", var.reader_account_ids)}: an account id is 12 digits."
  }
}

variable "expiry" {
  description = <<-EOT
    When objects go, or null: they stay, and the bucket has no lifecycle at all.
    - `days`: age at which an object expires, from 1.
    - `noncurrent_days`: days an overwritten or expired version is kept, from 1. Default 7.
    - `abort_multipart_days`: days after which an upload that was never completed is aborted, from 1. Default 7.
  EOT
  type = object({
    days                 = number
    noncurrent_days      = optional(number, 7)
    abort_multipart_days = optional(number, 7)
  })
  default = null

  validation {
    condition     = var.expiry == null || try(alltrue([for days in values(var.expiry) : days >= 1 && floor(days) == days]), false)
    error_message = "expiry is ${jsonencode(var.expiry)}: allowed are whole numbers of days from 1."
  }
}

variable "force_destroy" {
  description = "Whether destroying the bucket deletes the objects in it. False: a bucket with objects stays."
  type        = bool
  default     = false
  nullable    = false
}
