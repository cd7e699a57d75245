# Stands for a network: a file in the environment's folder. Nothing is downloaded, and no account is needed.

# Given by Stackyard; every key of the stack's metadata comes as a variable too.
variable "stack_id" {
  type = string
}

# Where environments are made: given by stackyard.config.ts. Send the metadata "folder" to put one somewhere else.
variable "folder" {
  type = string
}

locals {
  # Ids may hold characters that have no place in a path.
  environment = "${var.folder}/${replace(var.stack_id, "/[^A-Za-z0-9_-]/", "-")}"
}

resource "terraform_data" "network" {
  input            = { folder = local.environment, cidr = "10.0.0.0/16" }
  triggers_replace = [local.environment]

  # Values go to the shell as environment variables, never as part of a command.
  provisioner "local-exec" {
    command     = "mkdir -p \"$FOLDER\" && printf '%s\\n' \"$CIDR\" > \"$FOLDER/network.txt\""
    environment = { FOLDER = self.output.folder, CIDR = self.output.cidr }
  }

  provisioner "local-exec" {
    when        = destroy
    command     = "rm -f \"$FOLDER/network.txt\"; rmdir \"$FOLDER\" 2>/dev/null || true"
    environment = { FOLDER = self.output.folder }
  }
}

output "cidr" {
  value = terraform_data.network.output.cidr
}
