data "aws_region" "current" {}

# One for a registry, which is all repositories of an account in a region: whoever applies two of them has the last one.
resource "aws_ecr_replication_configuration" "this" {
  replication_configuration {
    rule {
      dynamic "destination" {
        for_each = { for one in var.destinations : "${one.region} ${coalesce(one.account_id, var.account_id)}" => one }

        content {
          region      = destination.value.region
          registry_id = coalesce(destination.value.account_id, var.account_id)
        }
      }

      repository_filter {
        filter      = var.repository_prefix
        filter_type = "PREFIX_MATCH"
      }
    }
  }

  lifecycle {
    precondition {
      condition     = !contains([for one in var.destinations : "${one.region} ${coalesce(one.account_id, var.account_id)}"], "${data.aws_region.current.id} ${var.account_id}")
      error_message = "destinations has ${data.aws_region.current.id} of account ${var.account_id}, where images are copied from: allowed are other regions or accounts."
    }
  }
}
