provider "aws" {
  region              = var.region
  allowed_account_ids = [var.account_id]
  s3_use_path_style   = var.s3_use_path_style

  default_tags {
    tags = var.tags
  }
}

locals {
  artifacts_bucket = "${var.name_prefix}-${var.account_id}-${var.region}-artifacts"
}

module "repository" {
  source   = "../../modules/ecr"
  for_each = var.workloads

  name                 = "${var.name_prefix}/${each.key}"
  consumer_account_ids = var.consumer_account_ids
  untagged_images_kept = var.untagged_images_kept
  force_delete         = var.force_destroy
}

module "image_replication" {
  source = "../../modules/ecr_replication"
  count  = length(var.image_replication) == 0 ? 0 : 1

  account_id        = var.account_id
  repository_prefix = "${var.name_prefix}/"
  destinations      = var.image_replication
}

module "access_logs" {
  source = "../../modules/storage"
  count  = var.access_log_retention_days == null ? 0 : 1

  name                 = "${var.name_prefix}-${var.account_id}-${var.region}-logs"
  takes_access_logs_of = { account_id = var.account_id, buckets = [local.artifacts_bucket] }
  expiry               = { days_by_prefix = { "" = var.access_log_retention_days }, noncurrent_days = 1 }
  abort_multipart_days = var.abort_uploads_days
  force_destroy        = var.force_destroy
}

module "artifacts" {
  source = "../../modules/storage"

  name                 = local.artifacts_bucket
  reader_account_ids   = var.consumer_account_ids
  abort_multipart_days = var.abort_uploads_days
  access_log_bucket    = one(module.access_logs[*].name)
  force_destroy        = var.force_destroy
}
