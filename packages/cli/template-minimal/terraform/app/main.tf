# Stands for your infrastructure: a file. Nothing is downloaded, and no account is needed.

# Given by Stackyard; every key of the stack's metadata comes as a variable too.
variable "stack_id" {
  type = string
}

variable "text" {
  type = string
}

# Given by stackyard.config.ts.
variable "folder" {
  type = string
}

locals {
  # Ids may contain characters that have no place in a path.
  file = "${var.folder}/${replace(var.stack_id, "/[^A-Za-z0-9_-]/", "-")}.txt"
}

resource "terraform_data" "app" {
  input            = { file = local.file, text = var.text }
  triggers_replace = [local.file, var.text]

  # Values go to the shell as environment variables, never as part of a command.
  provisioner "local-exec" {
    command     = "mkdir -p \"$(dirname \"$FILE\")\" && printf '%s\\n' \"$TEXT\" > \"$FILE\""
    environment = { FILE = self.output.file, TEXT = self.output.text }
  }

  provisioner "local-exec" {
    when        = destroy
    command     = "rm -f \"$FILE\""
    environment = { FILE = self.output.file }
  }
}
