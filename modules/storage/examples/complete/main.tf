module "data" {
  source = "../.."

  name   = "platform-111122223333-eu-west-1-dev-data"
  expiry = { days = 30 }
}
