import { HttpError } from "./http-error.ts";

const MAX_DEPTH = 32;

/**
 * JSON from outside. Refused (400, `USAGE`): what is no JSON, what nests deeper than 32, and any key `__proto__`, so
 * that no later copy of the value can reach a prototype.
 */
export function parseJson(text: string): unknown {
  const value = parseText(text);
  const open: { readonly value: unknown; readonly depth: number }[] = [{ value, depth: 1 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, depth } = next;
    if (typeof value !== "object" || value === null) continue;
    if (depth > MAX_DEPTH) throw new HttpError(400, "USAGE", `The body nests deeper than ${MAX_DEPTH} levels.`);
    if (Object.hasOwn(value, "__proto__")) throw new HttpError(400, "USAGE", 'The body has a key "__proto__".');
    for (const child of Object.values(value)) open.push({ value: child, depth: depth + 1 });
  }
  return value;
}

function parseText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new HttpError(400, "USAGE", "The body is not JSON.", { cause });
  }
}
