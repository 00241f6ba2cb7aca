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
  description = "Other accounts whose roles may read every object and list its versions. Their roles need the permissions as well: `s3:GetObject`, `s3:ListBucket` and `s3:ListBucketVersions`."
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
    When objects go. The bucket keeps versions: an object that expires becomes an old version first, and is gone with that one.
    - `days_by_prefix`: age at which an object whose key starts with the prefix expires, from 1: `{ "rooms/inputs/" = 30 }`. The
      prefix `""` is every object. Default: none expires.
    - `noncurrent_days`: days an overwritten or expired version is kept, from 1, or null: it stays, and no object may expire.
      Default null.
  EOT
  type = object({
    days_by_prefix  = optional(map(number), {})
    noncurrent_days = optional(number)
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for days in values(var.expiry.days_by_prefix) : try(days >= 1 && floor(days) == days, false)])
    error_message = "expiry.days_by_prefix is ${jsonencode(var.expiry.days_by_prefix)}: allowed are whole numbers of days from 1."
  }

  validation {
    condition     = alltrue([for prefix in keys(var.expiry.days_by_prefix) : can(regex("^([^/*?][^*?]*/)?$", prefix))])
    error_message = "expiry.days_by_prefix has ${join(", ", keys(var.expiry.days_by_prefix))}: a prefix ends with a slash, starts with none and has no wildcard, or is empty."
  }

  validation {
    condition     = alltrue([for prefix in keys(var.expiry.days_by_prefix) : length(prefix) <= 1024])
    error_message = "expiry.days_by_prefix has prefixes of up to ${max(0, [for prefix in keys(var.expiry.days_by_prefix) : length(prefix)]...)} characters: allowed are the 1024 of a key."
  }

  validation {
    condition     = length(var.expiry.days_by_prefix) <= 999
    error_message = "expiry.days_by_prefix has ${length(var.expiry.days_by_prefix)} prefixes: allowed are 999, because S3 has 1000 rules for a bucket and one is for old versions."
  }

  validation {
    condition     = length(var.expiry.days_by_prefix) == 0 || var.expiry.noncurrent_days != null
    error_message = "expiry.days_by_prefix is ${jsonencode(var.expiry.days_by_prefix)}: allowed with noncurrent_days only, because what expires stays as an old version until that goes."
  }

  validation {
    condition     = var.expiry.noncurrent_days == null ? true : var.expiry.noncurrent_days >= 1 && floor(var.expiry.noncurrent_days) == var.expiry.noncurrent_days
    error_message = "expiry.noncurrent_days is ${jsonencode(var.expiry.noncurrent_days)}: allowed are whole numbers of days from 1, or null."
  }
}

variable "abort_multipart_days" {
  description = "Days after which an upload in parts that was never completed is aborted, from 1, or null: never. Without it and without `expiry` the bucket has no lifecycle."
  type        = number
  default     = 7

  validation {
    condition     = var.abort_multipart_days == null ? true : var.abort_multipart_days >= 1 && floor(var.abort_multipart_days) == var.abort_multipart_days
    error_message = "abort_multipart_days is ${jsonencode(var.abort_multipart_days)}: allowed are whole numbers of days from 1, or null."
  }
}

variable "access_log_bucket" {
  description = "Name of the bucket that S3 writes a line for each request to, below `<name of this bucket>/`, or null: requests are not logged. It is in the same account and region, and takes logs (see `takes_access_logs_of`)."
  type        = string
  default     = null

  validation {
    condition     = var.access_log_bucket == null || can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.access_log_bucket))
    error_message = "access_log_bucket is ${coalesce(var.access_log_bucket, "null")}: allowed are 3 to 63 lower-case letters, digits and hyphens, with a letter or digit at both ends."
  }

  validation {
    condition     = var.access_log_bucket != var.name
    error_message = "access_log_bucket is ${coalesce(var.access_log_bucket, "null")}: a bucket that logs to itself writes a log of each log."
  }
}

variable "takes_access_logs_of" {
  description = <<-EOT
    Buckets that may log requests to this one, each below its name, or null. S3 writes such logs to buckets with its own keys only:
    `kms_key_arn` must be null.
    - `account_id`: their account, which is this bucket's.
    - `buckets`: their names, at least one.
  EOT
  type = object({
    account_id = string
    buckets    = set(string)
  })
  default = null

  validation {
    condition     = var.takes_access_logs_of == null || can(regex("^[0-9]{12}$", var.takes_access_logs_of.account_id))
    error_message = "takes_access_logs_of.account_id is ${jsonencode(try(var.takes_access_logs_of.account_id, null))}: an account id is 12 digits."
  }

  validation {
    condition     = var.takes_access_logs_of == null || try(length(var.takes_access_logs_of.buckets) > 0, false)
    error_message = "takes_access_logs_of.buckets is ${jsonencode(try(var.takes_access_logs_of.buckets, null))}: allowed is at least one name of a bucket."
  }

  validation {
    condition     = try(alltrue([for name in var.takes_access_logs_of.buckets : can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", name))]), true)
    error_message = "takes_access_logs_of.buckets is ${jsonencode(try(var.takes_access_logs_of.buckets, null))}: a name has 3 to 63 lower-case letters, digits and hyphens, with a letter or digit at both ends."
  }

  validation {
    condition     = var.takes_access_logs_of == null || var.kms_key_arn == null
    error_message = "takes_access_logs_of is ${jsonencode(var.takes_access_logs_of)}: allowed without kms_key_arn only, because S3 delivers access logs to buckets with SSE-S3."
  }
}

variable "events" {
  description = "Whether S3 tells EventBridge of every change to an object. It begins about five minutes after it was asked to."
  type        = bool
  default     = false
  nullable    = false
}

variable "force_destroy" {
  description = "Whether destroying the bucket deletes the objects in it. False: a bucket with objects stays."
  type        = bool
  default     = false
  nullable    = false
}
