# Stands for an application: a file that says which version uses which database.

# Given by Stackyard; every key of the stack's metadata comes as a variable too.
variable "stack_id" {
  type = string
}

variable "app_version" {
  type    = string
  default = ""
}

# The output of the module database. Empty when the app is destroyed.
variable "address" {
  type    = string
  default = ""
}

variable "password" {
  type      = string
  sensitive = true
  default   = ""
}

# Given by stackyard.config.ts.
variable "folder" {
  type = string
}

locals {
  environment = "${var.folder}/${replace(var.stack_id, "/[^A-Za-z0-9_-]/", "-")}"
  # Of the password only a digest, so that the example shows that it has arrived.
  login = nonsensitive(substr(sha256(var.password), 0, 8))
}

resource "terraform_data" "app" {
  input            = { folder = local.environment, text = "${var.app_version} ${var.address} ${local.login}" }
  triggers_replace = [local.environment, var.app_version, var.address]

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

output "url" {
  value = "file://${local.environment}/app.txt"
}
