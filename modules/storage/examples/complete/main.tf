module "access_logs" {
  source = "../.."

  name                 = "platform-111122223333-eu-west-1-logs"
  takes_access_logs_of = { account_id = "111122223333", buckets = ["platform-111122223333-eu-west-1-dev-data"] }
  expiry               = { days_by_prefix = { "" = 365 }, noncurrent_days = 1 }
}

module "data" {
  source = "../.."

  name              = "platform-111122223333-eu-west-1-dev-data"
  kms_key_arn       = "arn:aws:kms:eu-west-1:111122223333:key/11111111-2222-3333-4444-555555555555"
  access_log_bucket = module.access_logs.name

  expiry = {
    days_by_prefix  = { "rooms/inputs/" = 30, "rooms/results/" = 90 }
    noncurrent_days = 7
  }
}
