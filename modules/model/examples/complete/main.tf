module "model" {
  source = "../.."

  endpoint_name              = "platform-dev-rooms"
  account_id                 = "111122223333"
  image                      = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/platform/location_detector@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
  artifact                   = { source = "archive", uri = "s3://platform-artifacts/location_detector/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef/model.tar.gz" }
  timeouts                   = { server = 600, invocation = 300 }
  max_concurrent_invocations = 2

  access = {
    data = {
      bucket         = "platform-111122223333-eu-west-1-dev-data"
      read_prefixes  = ["rooms/inputs/"]
      write_prefixes = ["rooms/results/", "rooms/failures/"]
    }

    topic_arns = [
      "arn:aws:sns:eu-west-1:111122223333:platform-dev-rooms-success",
      "arn:aws:sns:eu-west-1:111122223333:platform-dev-rooms-error",
    ]
  }
}
