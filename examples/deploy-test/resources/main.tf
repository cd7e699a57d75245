# What releases of deploy-test find by name and tags, by Terraform. The network is given.

variable "vpc_id" {
  description = "The VPC of the subnets private-a and private-b."
  type        = string
}

variable "load_balancer_security_group_id" {
  description = "Security group of the load balancer whose listener forwards to the target group."
  type        = string
}

locals {
  tags = {
    ProjectName = "examples/deploy-test"
    ConfigName  = "development"
    ServiceName = "web"
  }
  path = "/stackyard/examples/deploy-test/development/web/"
}

resource "aws_security_group" "web" {
  description = "Servers of deploy-test."
  vpc_id      = var.vpc_id
  tags        = merge(local.tags, { Name = "deploy-test-web" })

  ingress {
    protocol        = "tcp"
    from_port       = 8080
    to_port         = 8080
    security_groups = [var.load_balancer_security_group_id]
  }
}

resource "aws_lb_target_group" "web" {
  name                 = "deploy-test-web"
  vpc_id               = var.vpc_id
  protocol             = "HTTP"
  port                 = 8080
  deregistration_delay = 30
  slow_start           = 30
  tags                 = local.tags

  health_check {
    path              = "/health"
    interval          = 10
    healthy_threshold = 2
  }
}

resource "aws_iam_role" "web" {
  path = local.path
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = { Service = "ec2.amazonaws.com" }, Action = "sts:AssumeRole" }]
  })
}

resource "aws_iam_instance_profile" "web" {
  name = "deploy-test-web"
  path = local.path
  role = aws_iam_role.web.name
}
