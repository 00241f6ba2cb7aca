# Both roots with everything turned on, for one plan without an account.
module "registry" {
  source                    = "../roots/registry"
  region                    = "eu-west-1"
  account_id                = "111122223333"
  name_prefix               = "platform"
  workloads                 = ["location_detector"]
  consumer_account_ids      = ["444455556666"]
  access_log_retention_days = 90
  abort_uploads_days        = 7
}

module "platform" {
  source                    = "../roots/platform"
  environment               = "dev"
  region                    = "eu-west-1"
  account_id                = "111122223333"
  name_prefix               = "platform"
  owner                     = "platform-team@example.com"
  kms                       = { create = false, key_arn = "arn:aws:kms:eu-west-1:111122223333:key/11111111-2222-3333-4444-555555555555" }
  vpc                       = { subnet_ids = ["subnet-0a"], security_group_ids = ["sg-0c"] }
  notifications             = { emails = ["platform-team@example.com"], queue = {} }
  alarm_recipients          = { emails = ["on-call@example.com"] }
  budget_usd                = 200
  data_expiry               = { days_by_prefix = { "rooms/inputs/" = 30 }, noncurrent_days = 7 }
  access_log_retention_days = 90
  upload_trigger_package    = { file = "none.zip", source_code_hash = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=" }

  endpoints = { for key, source in { rooms = "archive", plans = "prefix" } : key => {
    workload                   = "location_detector"
    instance_type              = "ml.m5.xlarge"
    image                      = "444455556666.dkr.ecr.eu-west-1.amazonaws.com/platform/location_detector@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    model                      = { source = source, uri = source == "archive" ? "s3://models/model.tar.gz" : "s3://models/plain/" }
    timeouts                   = { server = 600, startup = 900, model_download = 1200, invocation = 300 }
    max_concurrent_invocations = 2
    autoscaling                = { min = 0, max = 3, backlog_per_instance = 2, scale_in_cooldown = 300, scale_out_cooldown = 60 }
    trigger                    = { prefix = "${key}/uploads/" }
  } }
}

# On its own: with a key that is yet to be made, what its users may do is unknown in the plan.
module "kms" {
  source      = "../modules/kms"
  name        = "platform-dev"
  description = "Everything"
  account_id  = "111122223333"
}
