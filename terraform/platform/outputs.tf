output "data_bucket" {
  description = "Name of the bucket with inputs, results and failures."
  value       = module.data.name
}

output "alarm_topic_arn" {
  description = "ARN of the topic that tells of alarms and of the budget."
  value       = module.observability.topic_arn
}

output "endpoints" {
  description = "All that clients and checks need to know of each endpoint, by its key."
  value = {
    for key, endpoint in var.endpoints : key => {
      name                   = module.endpoint[key].name
      arn                    = module.endpoint[key].arn
      config_name            = module.endpoint[key].config_name
      model_name             = module.model[key].name
      variant_name           = module.endpoint[key].variant_name
      image                  = endpoint.image
      model_uri              = endpoint.model.uri
      role_arn               = module.model[key].execution_role_arn
      log_group              = module.endpoint[key].log_group
      data_bucket            = module.data.name
      input_prefix           = local.names[key].inputs
      output_uri             = local.output_uris[key].results_uri
      failure_uri            = local.output_uris[key].failures_uri
      success_topic_arn      = module.notifications[key].success_topic_arn
      error_topic_arn        = module.notifications[key].error_topic_arn
      notification_queue_url = one(module.notifications[key].queue[*].url)
      alarm_names            = module.observability.alarm_names[key]
      dashboard_name         = module.observability.dashboard_names[key]
      timeouts               = endpoint.timeouts
      autoscaling            = endpoint.autoscaling
      trigger                = endpoint.trigger == null ? null : module.upload_trigger[key].trigger
    }
  }
}
