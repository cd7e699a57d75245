import type { QueuedEvent } from "@stackyard/core/engine";

/** An event of the stack `s1`, accepted on the first day of 2026. */
export function anEvent(overrides: Partial<QueuedEvent> = {}): QueuedEvent {
  const stackId = overrides.stackId ?? "s1";
  const message = { event: "PUSH", stackId, metadata: { sha: "9f1c" } };
  return { id: "e1", stackId, origin: "external", message, receivedAt: Date.UTC(2026, 0, 1), ...overrides };
}
