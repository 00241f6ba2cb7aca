output "function_name" {
  description = "Name of the function."
  value       = aws_lambda_function.this.function_name
}

output "log_group" {
  description = "Log group of the function: a line of JSON for each upload."
  value       = aws_cloudwatch_log_group.this.name
}

output "dead_letter_queue_url" {
  description = "URL of the queue that holds the events of uploads that were given up."
  value       = aws_sqs_queue.dead_letters.url
}

output "alarm_names" {
  description = "Names of the alarms on uploads that were given up and on those that were lost."
  value       = [aws_cloudwatch_metric_alarm.dead_letters.alarm_name, aws_cloudwatch_metric_alarm.lost.alarm_name]
}
