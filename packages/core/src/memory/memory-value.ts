/**
 * A frozen copy of a JSON value, so that nobody can change what a memory adapter holds. Like JSON it drops what is
 * undefined; `__proto__` never becomes a key.
 */
export function toFrozen<Value>(value: Value): Value;
export function toFrozen(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return Object.freeze(value.map((item) => toFrozen(item)));
  const copy: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    if (item !== undefined && key !== "__proto__") copy[key] = toFrozen(item);
  }
  return Object.freeze(copy);
}
