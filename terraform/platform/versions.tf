terraform {
  required_version = ">= 1.10"

  # Bucket, key and locking come with the backend configuration that init is given.
  backend "s3" {}

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7.0"
    }
  }
}
