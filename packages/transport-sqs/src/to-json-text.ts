/**
 * JSON in characters that every queue takes: SQS refuses some (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html,
 * `MessageBody`), and emulators refuse those outside the basic plane too, so these are escaped. It reads back as it was.
 */
export function toJsonText(value: unknown): string {
  return JSON.stringify(value).replace(UNSAFE, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

// JSON.stringify has escaped everything below U+0020 and lone surrogates; halves of pairs are escaped one by one.
const UNSAFE = /[\ud800-\udfff\ufffe\uffff]/g;
