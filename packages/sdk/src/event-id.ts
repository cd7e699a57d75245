/** A new event id: 128 random bits in hex. `crypto.randomUUID` is not there on pages without TLS. */
export function createEventId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
