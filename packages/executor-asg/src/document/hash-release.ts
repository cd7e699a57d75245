import { createHash } from "node:crypto";
import { type TObject, type TSchema, Type } from "typebox";
import { PRESETS, type ReleaseConstants } from "../release-constants.ts";
import { isMap } from "./decode.ts";
import { ReleaseDocument } from "./schema/release-schema.ts";
import { SeedDocument } from "./schema/seed-schema.ts";

type Generation = Pick<ReleaseConstants, "generation">;

/**
 * SHA-256 (hex) of a document as it was sent, to be compared with that of the same document from another channel. Take it before
 * any default is filled in.
 */
export function hashRelease(document: unknown, constants: Generation = PRESETS.stackyard): string {
  return createHash("sha256").update(canonicalRelease(document, constants), "utf8").digest("hex");
}

/**
 * A document in the one form that it can have: known keys only, in the schema's order; those of maps in order; absent members and
 * null left out. Of a document that does not decode it is still some text, and never throws.
 */
export function canonicalRelease(document: unknown, { generation }: Generation = PRESETS.stackyard): string {
  const schema = generation === "odin" ? KNOWN : SeedDocument;
  return JSON.stringify(toCanonical(schema, document)) ?? "null";
}

// The task that is asked for is not part of what was stored.
const { Task: _, ...properties } = ReleaseDocument.properties;
const KNOWN = Type.Object(properties);

function toCanonical(schema: TSchema, value: unknown): unknown {
  if (Type.IsObject(schema) && isMap(value)) return toMembers(schema, value);
  if (Type.IsRecord(schema) && isMap(value)) return toSorted(schema, value);
  if (Type.IsArray(schema) && Array.isArray(value)) return value.map((item) => toCanonical(schema.items, item));
  return typeof value === "object" || typeof value === "bigint" ? null : value;
}

function toMembers(schema: TObject, value: Readonly<Record<string, unknown>>): unknown {
  const known = Object.entries(schema.properties).filter(([key]) => Object.hasOwn(value, key) && value[key] !== null);
  return Object.fromEntries(known.map(([key, inner]) => [key, toCanonical(inner, value[key])]));
}

// As a list of pairs: numbers would come first in an object, whatever their order.
function toSorted(schema: TSchema, value: Readonly<Record<string, unknown>>): unknown {
  const inner = Object.values(Object(schema).patternProperties ?? {}).find(Type.IsSchema) ?? Type.Unknown();
  return Object.keys(value)
    .sort()
    .map((key) => [key, toCanonical(inner, value[key])]);
}
