import type { AttributeValue } from "@aws-sdk/client-dynamodb";

// Values as the predecessor's readers and writers know them: maps and lists are those of DynamoDB.

/** A JSON value as an attribute. Texts are made well-formed: ask `isNative` first where that matters. */
export function toNative(value: unknown): AttributeValue {
  if (typeof value === "string") return { S: value.toWellFormed() };
  if (typeof value === "number") return { N: String(value) };
  if (typeof value === "boolean") return { BOOL: value };
  if (value === null || value === undefined) return { NULL: true };
  if (Array.isArray(value)) return { L: value.map(toNative) };
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return { M: Object.fromEntries(members.map(([name, member]) => [name, toNative(member)])) };
}

/** The JSON value of an attribute; sets and bytes have none. */
export function fromNative(value: AttributeValue | undefined): unknown {
  if (value === undefined) return undefined;
  if (value.N !== undefined) return Number(value.N);
  if (value.L !== undefined) return value.L.map(fromNative);
  if (value.M !== undefined)
    return Object.fromEntries(Object.entries(value.M).map(([name, member]) => [name, fromNative(member)]));
  return value.S ?? value.BOOL ?? (value.NULL === true ? null : undefined);
}

// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
const LARGEST = 9.9e125;
const SMALLEST = 1e-130;

/** True for a member of a map that DynamoDB gives back as it was. */
export function isNative(name: string, value: unknown): boolean {
  if (name === "" || !name.isWellFormed()) return false;
  if (typeof value === "string") return value.isWellFormed();
  if (typeof value !== "number") return true;
  const size = Math.abs(value);
  return !Object.is(value, -0) && (size === 0 || (size >= SMALLEST && size <= LARGEST));
}
