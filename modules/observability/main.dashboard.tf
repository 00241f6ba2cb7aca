locals {
  region = data.aws_region.current.id

  # One request's way. Each metric: where it comes from (see `sources`), its name, its statistic.
  way = [
    {
      says = "Upload: an object arrives, and the trigger makes a request of it"
      graphs = [
        { title = "Uploads handled", metrics = [["trigger", "Invocations", "Sum"], ["trigger", "Errors", "Sum"], ["trigger", "Throttles", "Sum"]] },
        { title = "Time of the trigger (ms)", metrics = [["trigger", "Duration", "Maximum"]] },
        { title = "Uploads given up", metrics = [["dead", "ApproximateNumberOfMessagesVisible", "Maximum"]] },
      ]
    },
    {
      says = "Queue: the request waits for a place in an instance"
      graphs = [
        { title = "Waiting requests", metrics = [["endpoint", "ApproximateBacklogSize", "Maximum"], ["endpoint", "ApproximateBacklogSizePerInstance", "Average"]] },
        { title = "Age of the oldest (s)", metrics = [["endpoint", "ApproximateAgeOfOldestRequest", "Maximum"]] },
        { title = "Time in the queue (µs)", metrics = [["variant", "TimeInBacklog", "Average"], ["variant", "TimeInBacklog", "p99"]] },
        { title = "Nobody to work, and given up", metrics = [["endpoint", "HasBacklogWithoutCapacity", "Maximum"], ["variant", "ExpiredRequests", "Sum"]] },
      ]
    },
    {
      says = "Input: the instance fetches the object"
      graphs = [
        { title = "Time to fetch (µs)", metrics = [["variant", "RequestDownloadLatency", "Average"]] },
        { title = "Could not be fetched", metrics = [["variant", "RequestDownloadFailures", "Sum"]] },
      ]
    },
    {
      says = "Model: the container works"
      graphs = [
        { title = "Requests done", metrics = [["variant", "InvocationsProcessed", "Sum"], ["variant", "InvocationFailures", "Sum"]] },
        { title = "Time to answer (µs)", metrics = [["variant", "ModelLatency", "Average"], ["variant", "ModelLatency", "p99"]] },
        { title = "Refused, and broken", metrics = [["variant", "Invocation4XXErrors", "Sum"], ["variant", "Invocation5XXErrors", "Sum"]] },
      ]
    },
    {
      says = "Result: the answer becomes an object"
      graphs = [
        { title = "Time to write (µs)", metrics = [["variant", "ResponseUploadLatency", "Average"]] },
        { title = "Could not be written", metrics = [["variant", "ResponseUploadFailures", "Sum"]] },
        { title = "From the request to its end (ms)", metrics = [["variant", "TotalProcessingTime", "Average"]] },
      ]
    },
    {
      says = "Notification: whoever has subscribed is told"
      graphs = [
        { title = "Results told", metrics = [["success", "NumberOfMessagesPublished", "Sum"], ["success", "NumberOfNotificationsDelivered", "Sum"]] },
        { title = "Failures told", metrics = [["error", "NumberOfMessagesPublished", "Sum"], ["error", "NumberOfNotificationsDelivered", "Sum"]] },
        { title = "Could not be told", metrics = [["variant", "NotificationFailures", "Sum"], ["success", "NumberOfNotificationsFailed", "Sum"], ["error", "NumberOfNotificationsFailed", "Sum"]] },
      ]
    },
  ]

  # Namespace and dimensions of each source that an endpoint has.
  sources = {
    for key, endpoint in var.endpoints : key => {
      for source, place in {
        trigger  = ["AWS/Lambda", "FunctionName", try(endpoint.trigger.function_name, null)]
        dead     = ["AWS/SQS", "QueueName", try(endpoint.trigger.dead_letter_queue_name, null)]
        endpoint = ["AWS/SageMaker", "EndpointName", endpoint.name]
        variant  = ["AWS/SageMaker", "EndpointName", endpoint.name, "VariantName", endpoint.variant_name]
        success  = ["AWS/SNS", "TopicName", endpoint.success_topic_name]
        error    = ["AWS/SNS", "TopicName", endpoint.error_topic_name]
      } : source => place if alltrue([for word in place : word != null])
    }
  }

  # The stations, and their graphs, that have a metric: without a trigger the way begins in the queue.
  stations = {
    for key, sources in local.sources : key => [
      for station in [
        for station in local.way : {
          says = station.says
          graphs = [
            for graph in [
              for graph in station.graphs : {
                title = graph.title
                metrics = [
                  for metric in graph.metrics : concat(
                    [sources[metric[0]][0], metric[1]], slice(sources[metric[0]], 1, length(sources[metric[0]])), [{ stat = metric[2] }],
                  ) if contains(keys(sources), metric[0])
                ]
              }
            ] : graph if length(graph.metrics) > 0
          ]
        }
      ] : station if length(station.graphs) > 0
    ]
  }

  log_groups = {
    for key, endpoint in var.endpoints : key => [for name in [try(endpoint.trigger.log_group_name, null), endpoint.log_group_name] : name if name != null]
  }

  alarm_arn = "arn:${data.aws_partition.current.partition}:cloudwatch:${local.region}:${var.account_id}:alarm"

  # CloudWatch's grid is 24 wide. A station is a line of text (1 high) with its graphs (6 high) below.
  widgets = {
    for key, stations in local.stations : key => concat(
      [for names in [local.alarm_names[key]] : {
        type       = "alarm"
        x          = 0
        y          = 0
        width      = 24
        height     = 3
        properties = { title = "Alarms", alarms = [for name in names : "${local.alarm_arn}:${name}"] }
      } if length(names) > 0],
      [for row, station in stations : {
        type       = "text"
        x          = 0
        y          = 3 + row * 7
        width      = 24
        height     = 1
        properties = { markdown = "**${row + 1}. ${station.says}**", background = "transparent" }
      }],
      flatten([for row, station in stations : [
        for column, graph in station.graphs : {
          type   = "metric"
          x      = column * floor(24 / length(station.graphs))
          y      = 4 + row * 7
          width  = floor(24 / length(station.graphs))
          height = 6
          properties = {
            title   = graph.title
            metrics = graph.metrics
            region  = local.region
            period  = 60
            view    = "timeSeries"
          }
        }
      ]]),
      [{
        type   = "log"
        x      = 0
        y      = 3 + length(stations) * 7
        width  = 24
        height = 8
        properties = {
          title  = "What was logged of the request whose id is entered above"
          region = local.region
          view   = "table"
          query = join(" | ", concat(
            [for name in local.log_groups[key] : "SOURCE '${name}'"],
            ["fields @timestamp, @log, @message", "filter @message like '${local.request_pattern}'", "sort @timestamp asc", "limit 200"],
          ))
        }
      }],
    )
  }

  # What the dashboard replaces by what is entered.
  request_pattern = "INFERENCE-ID"
}

# Dashboards have no region: the name keeps equal endpoints of two regions apart.
resource "aws_cloudwatch_dashboard" "this" {
  for_each = var.endpoints

  dashboard_name = "${each.value.name}-${local.region}"
  dashboard_body = jsonencode({
    variables = [{
      type      = "pattern"
      pattern   = local.request_pattern
      inputType = "input"
      id        = "request"
      label     = "Inference id of a request"
      visible   = true
    }]
    widgets = local.widgets[each.key]
  })
}
