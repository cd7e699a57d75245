/** W3C trace context: https://www.w3.org/TR/trace-context/ */
export interface TraceContext {
  readonly traceparent: string;
  readonly tracestate?: string;
}

/** What publishers over queues and topics have in common. */
export interface SenderOptions {
  /** Trace context of what is done now; it follows the events into the yard. */
  readonly trace?: () => TraceContext | undefined;
  /** Further tries for entries of a batch that were not taken. Default 3. Whole requests are tried again by the SDK client. */
  readonly retries?: number;
}
