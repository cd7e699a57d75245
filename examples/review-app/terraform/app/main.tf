# A placeholder for the app: a file with the live commit.

variable "stack_id" {
  type = string
}

# From the metadata of the events: PUSHED brings a new one, and the app is rolled out again.
variable "sha" {
  type    = string
  default = "unknown"
}

# How long a roll-out takes; a real one is not done at once either.
variable "seconds" {
  type    = number
  default = 1
}

variable "folder" {
  type = string
}

locals {
  environment = "${var.folder}/${replace(var.stack_id, "/[^A-Za-z0-9_-]/", "-")}"
}

resource "terraform_data" "app" {
  input            = { folder = local.environment, sha = var.sha, seconds = var.seconds }
  triggers_replace = [local.environment, var.sha]

  provisioner "local-exec" {
    command     = <<-SHELL
      echo "starting $SHA"
      sleep "$DELAY"
      mkdir -p "$FOLDER" && printf '%s\n' "$SHA" > "$FOLDER/app.txt"
    SHELL
    environment = { FOLDER = self.output.folder, SHA = self.output.sha, DELAY = self.output.seconds }
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
