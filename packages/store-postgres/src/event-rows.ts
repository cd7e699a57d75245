import { type QueuedEvent, toEventKey } from "@stackyard/core/engine";
import { toComparedText, toKeyText } from "./key-text.ts";

/** A row for `enqueue_events`, without its number. `visibleAt`: not handed out before. */
export function toEventRow(event: QueuedEvent, visibleAt = 0): object {
  return {
    stack: toKeyText(event.stackId),
    id: toComparedText(toEventKey(event)),
    visible: visibleAt,
    queued: event.receivedAt,
    event: JSON.stringify(event),
  };
}
