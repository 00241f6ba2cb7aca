output "trigger" {
  description = "All that clients and checks need to know: `upload_prefix`, `suffixes`, `receipt_prefix`, `function_name`, `log_group`, `dead_letter_queue_name` and `dead_letter_queue_url`."
  value = {
    upload_prefix          = var.uploads.prefix
    suffixes               = sort(var.uploads.suffixes)
    receipt_prefix         = var.prefixes.receipts
    function_name          = aws_lambda_function.this.function_name
    log_group              = aws_cloudwatch_log_group.this.name
    dead_letter_queue_name = aws_sqs_queue.dead_letters.name
    dead_letter_queue_url  = aws_sqs_queue.dead_letters.url
  }
}

output "alarm_names" {
  description = "Names of the alarms: on uploads that were given up, and on those that Lambda or EventBridge has lost."
  value       = [for alarm in aws_cloudwatch_metric_alarm.this : alarm.alarm_name]
}
