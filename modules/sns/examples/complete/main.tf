module "notifications" {
  source = "../.."

  name       = "platform-dev-rooms"
  account_id = "111122223333"
  queue      = { max_receives = 3 }

  subscribers = {
    emails = ["platform-team@example.com"]
    https  = ["https://example.com/results"]
  }

  filter_policies = {
    emails = jsonencode({ invocationStatus = ["Failed"] })
  }
}
