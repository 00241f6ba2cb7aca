module "notifications" {
  source = "../.."

  name        = "platform-dev-rooms"
  account_id  = "111122223333"
  subscribers = { emails = ["platform-team@example.com"] }
}
