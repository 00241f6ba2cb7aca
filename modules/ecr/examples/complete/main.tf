module "repository" {
  source = "../.."

  name                 = "platform/location_detector"
  consumer_account_ids = ["111122223333"]
}
