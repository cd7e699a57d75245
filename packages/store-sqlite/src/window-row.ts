/** A row of a queue as it is known in memory: its place, and when it may be handed out. */
export interface WindowRow {
  readonly seq: number;
  /** Rows of one lane are handed out in order. */
  readonly lane: string | number;
  /** What the row stands for: the id of the event, or the number of the attempt. */
  readonly subject: string | number;
  /** When it came into the queue: orders it among other kinds of due work. */
  readonly queuedAt: number;
  /** The end of its lease, or the instant that it was given back for. */
  availableAt: number;
  deliveries: number;
  /** What the row holds, as long as the take lasts that has read it. */
  document: string | undefined;
}
