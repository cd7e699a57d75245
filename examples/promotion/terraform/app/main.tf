# Stands for an application: a file that says which version runs. Nothing is downloaded, and no account is needed.

# Given by Stackyard; every key of the stack's metadata comes as a variable too.
variable "stack_id" {
  type = string
}

variable "api" {
  type    = string
  default = ""
}

# Given by stackyard.config.ts.
variable "folder" {
  type = string
}

locals {
  # Ids may contain characters that have no place in a path.
  environment = "${var.folder}/${replace(var.stack_id, "/[^A-Za-z0-9_-]/", "-")}"
}

resource "terraform_data" "app" {
  input            = { folder = local.environment, text = var.api }
  triggers_replace = [local.environment, var.api]

  # Values go to the shell as environment variables, never as part of a command.
  provisioner "local-exec" {
    command     = "mkdir -p \"$FOLDER\" && printf '%s\\n' \"$TEXT\" > \"$FOLDER/app.txt\""
    environment = { FOLDER = self.output.folder, TEXT = self.output.text }
  }

  provisioner "local-exec" {
    when        = destroy
    command     = "rm -f \"$FOLDER/app.txt\"; rmdir \"$FOLDER\" 2>/dev/null || true"
    environment = { FOLDER = self.output.folder }
  }
}
