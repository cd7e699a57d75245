/** Returns a new id for an event. Made once when a dialog opens, so that a repeat of the request is applied once. */
export function newEventId(): string {
  // `randomUUID` is missing on pages over plain HTTP that are not on loopback.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `console-${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
