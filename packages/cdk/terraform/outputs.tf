output "outputs" {
  description = "Outputs of the stack by name: EventQueueUrl, TaskRunnerRoleArn and so on."
  value       = aws_cloudformation_stack.this.outputs
}

output "id" {
  description = "ARN of the stack."
  value       = aws_cloudformation_stack.this.id
}
