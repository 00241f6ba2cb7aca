resource "aws_ecr_repository" "this" {
  name                 = var.name
  image_tag_mutability = "IMMUTABLE"
  force_delete         = var.force_delete

  encryption_configuration {
    encryption_type = var.kms_key_arn == null ? "AES256" : "KMS"
    kms_key         = var.kms_key_arn
  }

  image_scanning_configuration {
    scan_on_push = true
  }
}

# Tagged images never expire: a tag is immutable, and any environment of any account may run its digest.
resource "aws_ecr_lifecycle_policy" "this" {
  repository = aws_ecr_repository.this.name

  policy = jsonencode({
    rules = [{
      rulePriority = 1
      description  = "Keep the newest ${var.untagged_images_kept} images without a tag: nothing deploys them"
      selection    = { tagStatus = "untagged", countType = "imageCountMoreThan", countNumber = var.untagged_images_kept }
      action       = { type = "expire" }
    }]
  })
}

data "aws_partition" "current" {}

data "aws_iam_policy_document" "consumers" {
  count = length(var.consumer_account_ids) > 0 ? 1 : 0

  # A repository policy applies to its repository alone: it has no element Resource.
  statement {
    sid     = "ConsumerAccountsPull"
    actions = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]

    principals {
      type        = "AWS"
      identifiers = [for id in sort(var.consumer_account_ids) : "arn:${data.aws_partition.current.partition}:iam::${id}:root"]
    }
  }
}

resource "aws_ecr_repository_policy" "consumers" {
  count = length(var.consumer_account_ids) > 0 ? 1 : 0

  repository = aws_ecr_repository.this.name
  policy     = data.aws_iam_policy_document.consumers[0].json
}
