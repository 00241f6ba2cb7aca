output "success_topic_arn" {
  description = "ARN of the topic for results."
  value       = aws_sns_topic.this["success"].arn
}

output "error_topic_arn" {
  description = "ARN of the topic for failures."
  value       = aws_sns_topic.this["error"].arn
}

output "queue" {
  description = "The queue of both topics' messages: `name`, `arn` and `url`, or null."
  value       = one([for queue in aws_sqs_queue.messages : { name = queue.name, arn = queue.arn, url = queue.url }])
}

output "dead_letter_queue" {
  description = "Where messages lie that nobody could handle: `name`, `arn` and `url`, or null."
  value       = one([for queue in aws_sqs_queue.dead_letters : { name = queue.name, arn = queue.arn, url = queue.url }])
}

output "success_topic_name" {
  description = "Name of the topic for results."
  value       = aws_sns_topic.this["success"].name
}

output "error_topic_name" {
  description = "Name of the topic for failures."
  value       = aws_sns_topic.this["error"].name
}
