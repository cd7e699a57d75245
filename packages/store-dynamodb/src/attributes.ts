import { deflateRawSync, inflateRawSync } from "node:zlib";
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { StackyardError } from "@stackyard/core";

/** An item as DynamoDB takes and gives it. */
export type Item = Record<string, AttributeValue>;

/** A row as the code sees it: what is undefined is not there. */
export type Row = Readonly<Record<string, unknown>>;

/** A text up to so many characters stays as it is, so that people can read it in the console; a longer one is packed. */
const PLAIN = 1024;

/**
 * A row as an item. Plain texts, numbers and booleans stand as such; everything else is JSON, deflated when it is long:
 * the messages of one commit repeat each other, and an item has at most 400 KB.
 */
export function toItem(row: Row): Item {
  const item: Item = {};
  for (const [name, value] of Object.entries(row)) {
    if (value !== undefined) item[name] = toAttribute(value);
  }
  return item;
}

/** What `toItem` made an item of. */
export function fromItem(item: Item): Record<string, unknown> {
  const row: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(item)) row[name] = fromAttribute(name, value);
  return row;
}

/** One value of a row. */
export function toAttribute(value: unknown): AttributeValue {
  if (typeof value === "string" && value.length <= PLAIN && value.isWellFormed()) return { S: value };
  if (typeof value === "number") return { N: String(value) };
  if (typeof value === "boolean") return { BOOL: value };
  return pack(JSON.stringify(value));
}

function pack(json: string): AttributeValue {
  return json.length <= PLAIN ? { M: { json: { S: json } } } : { M: { deflated: { B: deflateRawSync(json) } } };
}

function fromAttribute(name: string, value: AttributeValue): unknown {
  if (value.S !== undefined) return value.S;
  if (value.N !== undefined) return Number(value.N);
  if (value.BOOL !== undefined) return value.BOOL;
  return unpack(name, value.M);
}

function unpack(name: string, packed: Item | undefined): unknown {
  const deflated = packed?.["deflated"]?.B;
  try {
    return JSON.parse(deflated === undefined ? (packed?.["json"]?.S ?? "") : inflateRawSync(deflated).toString());
  } catch (cause) {
    throw new StackyardError("STORE_CORRUPT", `The attribute "${name}" of an item cannot be read.`, { cause });
  }
}
