module "endpoint" {
  source = "../.."

  name                       = "platform-dev-rooms"
  model_name                 = "platform-dev-rooms-0123456789abcdef"
  instance_type              = "ml.m5.xlarge"
  timeouts                   = { startup = 600, model_download = 600 }
  max_concurrent_invocations = 2

  output = {
    results_uri  = "s3://platform-111122223333-eu-west-1-dev-data/rooms/results/"
    failures_uri = "s3://platform-111122223333-eu-west-1-dev-data/rooms/failures/"
  }

  notifications = {
    success_topic_arn = "arn:aws:sns:eu-west-1:111122223333:platform-dev-rooms-success"
    error_topic_arn   = "arn:aws:sns:eu-west-1:111122223333:platform-dev-rooms-error"
  }
}
