provider "aws" {
  region              = var.region
  allowed_account_ids = [var.account_id]
  s3_use_path_style   = var.s3_use_path_style

  default_tags {
    tags = merge(var.tags, { environment = var.environment, owner = var.owner })
  }
}

locals {
  prefix      = "${var.name_prefix}-${var.environment}"
  data_bucket = "${var.name_prefix}-${var.account_id}-${var.region}-${var.environment}-data"
  kms_key_arn = var.kms.create ? module.kms[0].arn : var.kms.key_arn

  # The names of an endpoint: its own, and its prefixes in the data bucket.
  names = {
    for key in keys(var.endpoints) : key => {
      endpoint = "${local.prefix}-${key}"
      inputs   = "${key}/inputs/"
      results  = "${key}/results/"
      failures = "${key}/failures/"
      receipts = "${key}/receipts/"
    }
  }

  output_uris = {
    for key, names in local.names : key => {
      results_uri  = "s3://${module.data.name}/${names.results}"
      failures_uri = "s3://${module.data.name}/${names.failures}"
    }
  }
}

module "kms" {
  source = "../../modules/kms"
  count  = var.kms.create ? 1 : 0

  name                 = local.prefix
  description          = "Data, messages and logs of ${local.prefix}"
  account_id           = var.account_id
  deletion_window_days = var.deletion_protection ? 30 : 7
}

module "access_logs" {
  source = "../../modules/storage"
  count  = var.access_log_retention_days == null ? 0 : 1

  name                 = "${var.name_prefix}-${var.account_id}-${var.region}-${var.environment}-logs"
  takes_access_logs_of = { account_id = var.account_id, buckets = [local.data_bucket] }
  expiry               = { days_by_prefix = { "" = var.access_log_retention_days }, noncurrent_days = 1 }
  abort_multipart_days = var.abort_uploads_days
  force_destroy        = var.force_destroy
}

module "data" {
  source = "../../modules/storage"

  name                 = local.data_bucket
  kms_key_arn          = local.kms_key_arn
  expiry               = var.data_expiry
  abort_multipart_days = var.abort_uploads_days
  access_log_bucket    = one(module.access_logs[*].name)
  force_destroy        = var.force_destroy
  events               = anytrue([for endpoint in values(var.endpoints) : endpoint.trigger != null])
}

module "notifications" {
  source   = "../../modules/sns"
  for_each = var.endpoints

  name            = local.names[each.key].endpoint
  account_id      = var.account_id
  kms_key_arn     = local.kms_key_arn
  subscribers     = var.notifications
  queue           = var.notifications.queue
  filter_policies = var.notifications.filter_policies
}

module "model" {
  source   = "../../modules/model"
  for_each = var.endpoints

  endpoint_name              = local.names[each.key].endpoint
  account_id                 = var.account_id
  image                      = each.value.image
  artifact                   = each.value.model
  environment                = each.value.environment
  timeouts                   = each.value.timeouts
  allow_short_timeouts       = each.value.allow_short_timeouts
  max_concurrent_invocations = each.value.max_concurrent_invocations
  workers                    = each.value.workers
  network_isolation          = each.value.network_isolation
  vpc                        = var.vpc

  access = {
    data = {
      bucket         = module.data.name
      read_prefixes  = [local.names[each.key].inputs]
      write_prefixes = [local.names[each.key].results, local.names[each.key].failures]
    }
    topic_arns  = [module.notifications[each.key].success_topic_arn, module.notifications[each.key].error_topic_arn]
    kms_key_arn = local.kms_key_arn
  }
}

module "endpoint" {
  source   = "../../modules/async_endpoint"
  for_each = var.endpoints

  name                       = local.names[each.key].endpoint
  model_name                 = module.model[each.key].name
  instance_type              = each.value.instance_type
  initial_instance_count     = each.value.initial_instance_count
  timeouts                   = each.value.timeouts
  allow_short_timeouts       = each.value.allow_short_timeouts
  max_concurrent_invocations = each.value.max_concurrent_invocations
  output                     = local.output_uris[each.key]
  kms_key_arn                = local.kms_key_arn
  deployment                 = each.value.deployment
  log_retention_days         = var.log_retention_days

  notifications = {
    success_topic_arn = module.notifications[each.key].success_topic_arn
    error_topic_arn   = module.notifications[each.key].error_topic_arn
    include_response  = each.value.include_response_in_notifications
  }
}

module "autoscaling" {
  source   = "../../modules/autoscaling"
  for_each = var.endpoints

  endpoint_name        = local.names[each.key].endpoint
  resource_id          = module.endpoint[each.key].scalable_resource_id
  capacity             = each.value.autoscaling
  backlog_per_instance = each.value.autoscaling.backlog_per_instance
  schedules            = each.value.autoscaling.schedules

  cooldowns = {
    scale_in  = each.value.autoscaling.scale_in_cooldown
    scale_out = each.value.autoscaling.scale_out_cooldown
  }
}

module "upload_trigger" {
  source   = "../../modules/upload_trigger"
  for_each = { for key, endpoint in var.endpoints : key => endpoint.trigger if endpoint.trigger != null }

  name                 = local.names[each.key].endpoint
  account_id           = var.account_id
  package              = var.upload_trigger_package
  reserved_concurrency = each.value.reserved_concurrency
  kms_key_arn          = local.kms_key_arn
  log_retention_days   = var.log_retention_days

  endpoint = {
    arn                = module.endpoint[each.key].arn
    invocation_timeout = var.endpoints[each.key].timeouts.invocation
  }

  uploads = {
    bucket   = module.data.name
    prefix   = each.value.prefix
    suffixes = each.value.suffixes
  }

  prefixes = {
    for folder in ["inputs", "receipts", "results", "failures"] : folder => local.names[each.key][folder]
  }

  alarm_topic_arns = [module.observability.topic_arn]
}

module "observability" {
  source = "../../modules/observability"

  name        = local.prefix
  account_id  = var.account_id
  kms_key_arn = local.kms_key_arn
  recipients  = var.alarm_recipients
  budget      = var.budget_usd == null ? null : { usd = var.budget_usd, tag_value = var.environment }

  endpoints = {
    for key, endpoint in var.endpoints : key => {
      name                   = local.names[key].endpoint
      variant_name           = module.endpoint[key].variant_name
      log_group_name         = module.endpoint[key].log_group
      success_topic_name     = module.notifications[key].success_topic_name
      error_topic_name       = module.notifications[key].error_topic_name
      dead_letter_queue_name = one(module.notifications[key].dead_letter_queue[*].name)
      timeouts               = endpoint.timeouts
      alarms                 = endpoint.alarms.enabled ? endpoint.alarms : null

      trigger = endpoint.trigger == null ? null : {
        function_name          = module.upload_trigger[key].trigger.function_name
        log_group_name         = module.upload_trigger[key].trigger.log_group
        dead_letter_queue_name = module.upload_trigger[key].trigger.dead_letter_queue_name
        alarm_names            = module.upload_trigger[key].alarm_names
      }
    }
  }
}
