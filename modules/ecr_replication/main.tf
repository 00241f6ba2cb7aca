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
}
