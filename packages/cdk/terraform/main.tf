locals {
  apps = {
    yard              = { StateManagerCodeKey = "state-manager", TaskRunnerCodeKey = "task-runner" }
    state-manager     = { StateManagerCodeKey = "state-manager" }
    task-runner       = { TaskRunnerCodeKey = "task-runner" }
    ecs-task          = { EcsTaskCodeKey = "ecs-task" }
    fleet             = { FleetCodeKey = "fleet" }
    fleet-instances   = {}
    services          = { ServicesCodeKey = "services" }
    releases          = { ReleasesCodeKey = "releases" }
    releases-account  = {}
    distributor       = { DistributorCodeKey = "distributor" }
    consumer          = {}
    consumer-zip      = {}
    consumers-rollout = {}
  }
  keys = {
    for parameter, app in local.apps[var.template] : parameter => "${var.prefix}${app}/${var.release}/${app}.zip"
  }
  # A template without code takes no bucket for it.
  code = length(local.keys) == 0 ? {} : merge({ CodeBucket = var.bucket }, local.keys)
}

data "aws_s3_bucket" "code" {
  bucket = var.bucket
}

resource "aws_cloudformation_stack" "this" {
  name         = var.name
  template_url = "https://${data.aws_s3_bucket.code.bucket_regional_domain_name}/${var.prefix}templates/${var.release}/${var.template}.template.json"
  parameters   = merge(local.code, var.parameters)
  # Roles of these have names.
  capabilities = [contains(["releases-account", "distributor"], var.template) ? "CAPABILITY_NAMED_IAM" : "CAPABILITY_IAM"]
  iam_role_arn = var.iam_role_arn
  tags         = var.tags

  # The provider gives up after 30 minutes, and a stack may wait longer for its custom resources.
  timeouts {
    create = var.timeouts.create
    update = var.timeouts.update
    delete = var.timeouts.delete
  }
}
