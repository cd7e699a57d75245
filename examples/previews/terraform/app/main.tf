# Stands for an application: a file. The provider runs in the demo, so nothing is downloaded, and no account is needed.

# Given by Stackyard; every key of the stack's metadata comes as a variable too.
variable "stack_id" {
  type = string
}

variable "sha" {
  type = string
}

# A file with another name is another resource, so each commit replaces it.
resource "files_file" "app" {
  name    = "${var.stack_id}-${substr(var.sha, 0, 7)}"
  content = var.sha
}

output "url" {
  value = "https://${var.stack_id}.previews.example.org"
}
