module "upload_trigger" {
  source = "../.."

  name       = "platform-dev-rooms"
  account_id = "111122223333"

  endpoint = {
    arn                = "arn:aws:sagemaker:eu-west-1:111122223333:endpoint/platform-dev-rooms"
    invocation_timeout = 300
  }

  uploads = {
    bucket   = "platform-111122223333-eu-west-1-dev-data"
    prefix   = "blueprints/"
    suffixes = [".png", ".jpg"]
  }

  prefixes = {
    inputs   = "rooms/inputs/"
    receipts = "rooms/receipts/"
    results  = "rooms/results/"
    failures = "rooms/failures/"
  }

  package = {
    file             = "upload_trigger.zip"
    source_code_hash = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
  }
}
