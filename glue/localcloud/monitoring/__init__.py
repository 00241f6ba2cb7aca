"""CloudWatch: metrics, alarms that are evaluated, logs."""
