output "success_topic_arn" {
  description = "ARN of the topic for results."
  value       = aws_sns_topic.this["success"].arn
}

output "error_topic_arn" {
  description = "ARN of the topic for failures."
  value       = aws_sns_topic.this["error"].arn
}
