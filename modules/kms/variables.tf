variable "name" {
  description = "Alias of the key, without `alias/`: letters, digits, `/`, `_` and `-`."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9/_-]{1,250}$", var.name)) && !startswith(var.name, "aws/")
    error_message = "name is ${var.name}: allowed are 1 to 250 letters, digits, `/`, `_` and `-`; aliases under aws/ are reserved by AWS."
  }
}

variable "description" {
  description = "What the key encrypts."
  type        = string
  nullable    = false

  validation {
    condition     = length(var.description) >= 1 && length(var.description) <= 8192
    error_message = "description has ${length(var.description)} characters: allowed are 1 to 8192."
  }
}

variable "account_id" {
  description = "Account of the key: its IAM policies decide who uses the key, and its log groups and messages may."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id is ${var.account_id}: an account id is 12 digits."
  }
}

variable "deletion_window_days" {
  description = "Days between the destruction of the key and the loss of all it encrypts: 7 to 30."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = contains(range(7, 31), var.deletion_window_days)
    error_message = "deletion_window_days is ${var.deletion_window_days}: allowed are whole numbers from 7 to 30."
  }
}
