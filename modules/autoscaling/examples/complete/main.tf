module "autoscaling" {
  source = "../.."

  endpoint_name        = "platform-dev-rooms"
  resource_id          = "endpoint/platform-dev-rooms/variant/AllTraffic"
  capacity             = { min = 0, max = 3 }
  backlog_per_instance = 2
  cooldowns            = { scale_in = 300, scale_out = 60 }
}
