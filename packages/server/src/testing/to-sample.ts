import { isMap } from "@stackyard/core";

/** A JSON schema, as the document of the API has it. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** Texts for patterns; the first that fits. */
const TEXTS = [
  "x",
  "0",
  "0".repeat(12),
  "0".repeat(32),
  "0".repeat(64),
  "1h",
  "eu-west-1",
  "0".repeat(40),
  "2030-01-01T00:00:00.000Z",
  "a/b",
  "xxxx",
];

/** Returns a value that fits a schema: with its required fields only. */
export function toSample(schema: unknown): unknown {
  if (!isMap(schema)) return {};
  const { type, const: only, enum: values, anyOf } = schema;
  if (only !== undefined) return only;
  if (Array.isArray(values)) return values[0];
  if (Array.isArray(anyOf)) return toSample(anyOf[0]);
  return (BY_TYPE[String(type)] ?? toMap)(schema);
}

const BY_TYPE: Readonly<Record<string, (schema: JsonSchema) => unknown>> = {
  boolean: () => true,
  integer: ({ minimum }) => minimum ?? 1,
  number: ({ minimum }) => minimum ?? 1,
  array: ({ minItems, items }) => Array.from({ length: Number(minItems ?? 0) }, () => toSample(items)),
  string: toText,
};

function toText({ pattern, minLength = 0, maxLength = 1_000 }: JsonSchema): string {
  const fits = (text: string) => typeof pattern !== "string" || new RegExp(pattern, "u").test(text);
  const isSized = (text: string) => text.length >= Number(minLength) && text.length <= Number(maxLength);
  return TEXTS.find((text) => fits(text) && isSized(text)) ?? "x";
}

function toMap({ properties, required }: JsonSchema): unknown {
  if (!isMap(properties) || !Array.isArray(required)) return {};
  return Object.fromEntries(required.map((name) => [String(name), toSample(properties[String(name)])]));
}
