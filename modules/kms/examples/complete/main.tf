module "kms" {
  source = "../.."

  name        = "platform-dev"
  description = "Data, messages and logs of platform-dev"
  account_id  = "111122223333"
}
