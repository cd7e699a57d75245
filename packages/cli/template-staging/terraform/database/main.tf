# Stands for a database: a file with its address. Nothing is downloaded, and no account is needed.

# Given by Stackyard.
variable "stack_id" {
  type = string
}

# Given by stackyard.config.ts.
variable "folder" {
  type = string
}

locals {
  # Ids may contain characters that have no place in a path.
  environment = "${var.folder}/${replace(var.stack_id, "/[^A-Za-z0-9_-]/", "-")}"
}

# A random password that stays until the database is destroyed.
resource "terraform_data" "password" {
  input = uuid()

  lifecycle {
    ignore_changes = [input]
  }
}

resource "terraform_data" "database" {
  input            = { folder = local.environment }
  triggers_replace = [local.environment]

  # Values go to the shell as environment variables, never as part of a command.
  provisioner "local-exec" {
    command     = "mkdir -p \"$FOLDER\" && printf 'a database\\n' > \"$FOLDER/database.txt\""
    environment = { FOLDER = self.output.folder }
  }

  provisioner "local-exec" {
    when        = destroy
    command     = "rm -f \"$FOLDER/database.txt\"; rmdir \"$FOLDER\" 2>/dev/null || true"
    environment = { FOLDER = self.output.folder }
  }
}

# Handed to the module app.
output "address" {
  value = "file://${local.environment}/database.txt"
}

# Stored under a key that the machine declares sensitive.
output "password" {
  value     = terraform_data.password.output
  sensitive = true
}
