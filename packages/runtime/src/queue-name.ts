/** Returns the name in the URL or the ARN of a queue: its last part. */
export function toQueueName(urlOrArn: string): string {
  return urlOrArn.split(/[/:]/).at(-1) ?? "";
}
