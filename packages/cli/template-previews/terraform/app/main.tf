# Stands for an application: a file in a folder. Nothing is downloaded, and no account is needed.

# Given by Stackyard; every key of the stack's metadata comes as a variable too.
variable "stack_id" {
  type = string
}

variable "sha" {
  type = string
}

# Given by stackyard.config.ts.
variable "folder" {
  type = string
}

locals {
  # Ids may contain characters that have no place in a path.
  folder = "${var.folder}/${replace(var.stack_id, "/[^A-Za-z0-9_-]/", "-")}"
}

# A new commit replaces it, so a person must approve it first. Resources that change in place are applied at once.
resource "terraform_data" "app" {
  input            = { folder = local.folder, sha = var.sha }
  triggers_replace = [local.folder, var.sha]

  # Values go to the shell as environment variables, never as part of a command.
  provisioner "local-exec" {
    command     = "mkdir -p \"$FOLDER\" && printf '%s\\n' \"$SHA\" > \"$FOLDER/app.txt\""
    environment = { FOLDER = self.output.folder, SHA = self.output.sha }
  }

  provisioner "local-exec" {
    when        = destroy
    command     = "rm -f \"$FOLDER/app.txt\"; rmdir \"$FOLDER\" 2>/dev/null || true"
    environment = { FOLDER = self.output.folder }
  }
}

output "url" {
  value = "file://${terraform_data.app.output.folder}/app.txt"
}
