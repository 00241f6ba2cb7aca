variable "name" {
  description = "Name of the repository: lower-case parts joined by `/`, `.`, `_` or `-`, 2 to 256 characters."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^([a-z0-9]+([._-][a-z0-9]+)*/)*[a-z0-9]+([._-][a-z0-9]+)*$", var.name))
    error_message = "name is ${var.name}: allowed are lower-case letters and digits, with single `.`, `_`, `-` or `/` between them."
  }

  validation {
    condition     = length(var.name) >= 2 && length(var.name) <= 256
    error_message = "name is ${var.name}: allowed are 2 to 256 characters."
  }
}

variable "consumer_account_ids" {
  description = "Other accounts whose SageMaker execution roles may pull images. Their roles need the permission as well."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for id in var.consumer_account_ids : can(regex("^[0-9]{12}$", id))])
    error_message = "consumer_account_ids has ${join(", ", var.consumer_account_ids)}: an account id is 12 digits."
  }
}

variable "untagged_images_kept" {
  description = <<-EOT
    How many images without a tag are kept; older ones expire. Images with a tag never expire, so that no rule can take
    a digest away that an environment runs.
  EOT
  type        = number
  default     = 10
  nullable    = false

  validation {
    condition     = var.untagged_images_kept >= 1 && floor(var.untagged_images_kept) == var.untagged_images_kept
    error_message = "untagged_images_kept is ${var.untagged_images_kept}: allowed are whole numbers from 1."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts the images, or null for the registry's own encryption. A change replaces the repository."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.kms_key_arn))
    error_message = "kms_key_arn is not the ARN of a key: allowed is arn:aws:kms:<region>:<account>:key/<id>, or null."
  }
}

variable "force_delete" {
  description = "Whether destroying the repository deletes the images in it. False: a repository with images stays."
  type        = bool
  default     = false
  nullable    = false
}
