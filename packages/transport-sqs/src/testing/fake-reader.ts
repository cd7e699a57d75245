import type { IncomingMessage } from "../incoming-message.ts";
import type { FailedReceipt, QueueReader } from "../queue-reader.ts";
import { anIncoming } from "./builders.ts";

/** A queue whose answers a test chooses, and which notes what it is asked. */
export interface FakeReader extends QueueReader {
  /** Gives these to the next receive that has room for them. */
  deliver(...messages: readonly IncomingMessage[]): void;
  /** Deleted receipts, in order. */
  readonly removed: string[];
  /** What was hidden, as `receipt for milliseconds`. */
  readonly hidden: string[];
  /** How many messages each receive asked for. */
  readonly asked: number[];
  /** What the next deletions and changes of visibility answer. */
  failNext(...answers: readonly (readonly FailedReceipt[] | Error)[]): void;
}

/** An empty queue. Its receives wait until something is delivered or they are aborted. */
export function createFakeReader(): FakeReader {
  const waiting: IncomingMessage[] = [];
  const failures: (readonly FailedReceipt[] | Error)[] = [];
  const removed: string[] = [];
  const hidden: string[] = [];
  const asked: number[] = [];
  let wake = () => {};

  function answer(): readonly FailedReceipt[] {
    const next = failures.shift() ?? [];
    if (next instanceof Error) throw next;
    return next;
  }

  return {
    queueUrl: "http://127.0.0.1/000000000000/queue",
    removed,
    hidden,
    asked,
    deliver(...messages) {
      waiting.push(...messages);
      wake();
    },
    failNext(...answers) {
      failures.push(...answers);
    },
    async receive(maxMessages, signal) {
      asked.push(maxMessages);
      if (waiting.length === 0 && !signal.aborted) {
        await new Promise<void>((resolve) => {
          wake = resolve;
          signal.addEventListener("abort", () => resolve(), { once: true });
        });
      }
      return signal.aborted ? [] : waiting.splice(0, maxMessages);
    },
    async remove(receiptHandles) {
      removed.push(...receiptHandles);
      return answer();
    },
    async hide(receipts) {
      hidden.push(...receipts.map(({ receiptHandle, forMs }) => `${receiptHandle} for ${forMs}`));
      return answer();
    },
  };
}

/** A message whose id, receipt and body are that text. */
export function aNamed(name: string, overrides: Partial<IncomingMessage> = {}): IncomingMessage {
  return anIncoming(name, { messageId: name, receiptHandle: name, ...overrides });
}

/** A receipt that SQS does not know any more. */
export function aFailedReceipt(receiptHandle: string, lasting: boolean): FailedReceipt {
  // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessageBatch.html, Failed
  const code = lasting ? "ReceiptHandleIsInvalid" : "InternalError";
  return { receiptHandle, code, reason: "The receipt handle has expired.", lasting };
}
