/**
 * Returns a new id for an event. Made once when a dialog opens, which closes when its request is answered, so that a
 * repeat of the request is applied once. A button that stays makes one with each press: each is an event of its own.
 */
export function newEventId(): string {
  // `randomUUID` is missing on pages over plain HTTP that are not on loopback.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `console-${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
