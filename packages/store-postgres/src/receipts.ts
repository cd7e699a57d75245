/** Rows of the queues that receipts stand for. */
export interface ReceiptRows {
  readonly events: readonly { readonly seq: number; readonly stack: string }[];
  readonly tasks: readonly number[];
  /** Leases of work that stands in no queue. */
  readonly others: readonly string[];
}

const QUEUED = /^(event|task):(\d{1,15})(?::([\s\S]*))?$/;
const OTHER = /^(poll|lapsedLease):[\s\S]+$/;

/** The receipt of an event; it names the stack (as a key) so that its lease is found without the row. */
export function toEventReceipt(seq: number, stack: string): string {
  return `event:${seq}:${stack}`;
}

export function toTaskReceipt(seq: number): string {
  return `task:${seq}`;
}

/** Unknown receipts are passed over. */
export function parseReceipts(receipts: readonly string[]): ReceiptRows {
  const events: { seq: number; stack: string }[] = [];
  const tasks: number[] = [];
  const others: string[] = [];
  for (const receipt of receipts) {
    const [, kind, seq, stack = ""] = QUEUED.exec(receipt) ?? [];
    if (kind === "event") events.push({ seq: Number(seq), stack });
    else if (kind === "task") tasks.push(Number(seq));
    else if (OTHER.test(receipt)) others.push(receipt);
  }
  return { events, tasks, others };
}
