module "replication" {
  source = "../.."

  account_id        = "111122223333"
  repository_prefix = "platform/"
  destinations      = [{ region = "us-west-2" }, { region = "eu-west-1", account_id = "444455556666" }]
}
