/** What was thrown, in words: an error's message, or the text of any other value. Never throws itself. */
export function describeThrown(thrown: unknown): string {
  return describeValue(thrown instanceof Error ? thrown.message : thrown);
}

/** Any value as a text, also one that has none: `Object.create(null)`, or an object whose `toString` throws. */
export function describeValue(value: unknown): string {
  try {
    return String(value);
  } catch {
    return `a value without a text (${typeof value})`;
  }
}
