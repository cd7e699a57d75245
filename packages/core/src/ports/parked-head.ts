import { defined, isMap } from "../machine/json.ts";
import type { MessageHead, ParkedEvent, ParkedHead, QueuedEvent } from "./stack-store.ts";

/** Returns a parked event without its message: what a store keeps next to it, and loads with the stack. */
export function toParkedHead({ event: { message, ...event }, ...parked }: ParkedEvent): ParkedHead {
  return { ...parked, event: { ...event, message: toMessageHead(message) } };
}

/** Returns a parked event from its head and its message. */
export function toParkedEvent({ event, ...parked }: ParkedHead, message: QueuedEvent["message"]): ParkedEvent {
  return { ...parked, event: { ...event, message } };
}

function toMessageHead({ event, action, machine, task }: QueuedEvent["message"]): MessageHead {
  return defined({
    event: pickText(event),
    action: pickText(action),
    machine: pickText(machine),
    task: isMap(task) && pickText(task["name"]) !== undefined ? { name: task["name"] } : undefined,
  });
}

/** Longer than any name that is valid. A head stays small whatever the message contains. */
const MOST_CHARACTERS = 512;

function pickText(value: unknown): string | undefined {
  return typeof value === "string" && value.length <= MOST_CHARACTERS ? value : undefined;
}
