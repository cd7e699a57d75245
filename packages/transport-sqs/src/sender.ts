import type { OutgoingMessage } from "./outgoing-message.ts";

/** Where messages are sent to: a queue or a topic. */
export interface Sender {
  /** All or an error; see `sendInWaves`. The delay: whole seconds, rounded up, on standard queues only. */
  send(messages: readonly OutgoingMessage[], options?: { readonly delayMs?: number }): Promise<void>;
}
