/** An object of JSON, whose fields nobody has looked at yet. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** The object that a text holds; undefined for any other text, and for one that names a prototype anywhere. */
export function parseJsonObject(text: string): JsonObject | undefined {
  const value = parse(text);
  return isObject(value) && !namesPrototype(value) ? value : undefined;
}

/** True for objects, not for lists. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Without recursion: a text of brackets is deeper than the stack. */
function namesPrototype(root: object): boolean {
  const left: object[] = [root];
  for (let value = left.pop(); value !== undefined; value = left.pop()) {
    if (Object.hasOwn(value, "__proto__")) return true;
    for (const part of Object.values(value)) if (typeof part === "object" && part !== null) left.push(part);
  }
  return false;
}
