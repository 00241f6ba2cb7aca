module "observability" {
  source = "../.."

  name       = "platform-dev"
  account_id = "111122223333"
  recipients = { emails = ["on-call@example.com"] }
  budget     = { usd = 200, tag_value = "dev" }

  endpoints = {
    rooms = {
      name               = "platform-dev-rooms"
      log_group_name     = "/aws/sagemaker/Endpoints/platform-dev-rooms"
      success_topic_name = "platform-dev-rooms-success"
      error_topic_name   = "platform-dev-rooms-error"
      timeouts           = { startup = 600, model_download = 600, invocation = 300 }
      alarms             = { failures = 10 }
    }
  }
}
