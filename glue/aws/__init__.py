"""What glue itself does with AWS's APIs, beside Terraform."""
