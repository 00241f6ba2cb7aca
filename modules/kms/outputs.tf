output "arn" {
  description = "ARN of the key, once its policy stands."
  value       = aws_kms_key.this.arn
  depends_on  = [aws_kms_key_policy.this]
}
