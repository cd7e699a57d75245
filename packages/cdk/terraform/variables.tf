variable "name" {
  description = "Name of the CloudFormation stack."
  type        = string
}

variable "template" {
  description = "Which template: yard (everything), state-manager, task-runner, ecs-task, fleet, fleet-instances, services, releases, releases-account, distributor, consumer, consumer-zip or consumers-rollout."
  type        = string
  default     = "yard"

  validation {
    condition     = contains(["yard", "state-manager", "task-runner", "ecs-task", "fleet", "fleet-instances", "services", "releases", "releases-account", "distributor", "consumer", "consumer-zip", "consumers-rollout"], var.template)
    error_message = "The template must be yard, state-manager, task-runner, ecs-task, fleet, fleet-instances, services, releases, releases-account, distributor, consumer, consumer-zip or consumers-rollout."
  }
}

variable "release" {
  description = "Version of Stackyard, as `stackyard apps publish` uploaded it."
  type        = string
}

variable "bucket" {
  description = "Bucket, in the provider's region, that holds what `stackyard apps publish` uploaded."
  type        = string
}

variable "prefix" {
  description = "Beginning of the keys there; empty, or with a slash at its end."
  type        = string
  default     = ""

  validation {
    condition     = var.prefix == "" || endswith(var.prefix, "/")
    error_message = "The prefix must be empty or end with a slash."
  }
}

variable "parameters" {
  description = "Parameters of the template. Where the code lies is known from bucket, prefix and release."
  type        = map(string)
  default     = {}
}

variable "iam_role_arn" {
  description = "Role with which CloudFormation works. Default: the provider's own rights."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of the stack, which CloudFormation passes on to what it makes."
  type        = map(string)
  default     = {}
}

variable "timeouts" {
  description = "How long Terraform waits for the stack. A consumer that waits for its initial set needs up to an hour, a rollout over many accounts several."
  type = object({
    create = optional(string, "90m")
    update = optional(string, "90m")
    delete = optional(string, "90m")
  })
  default = {}
}
