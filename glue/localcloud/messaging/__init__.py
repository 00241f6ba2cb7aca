"""SQS, SNS and EventBridge, where moto's fall short."""
