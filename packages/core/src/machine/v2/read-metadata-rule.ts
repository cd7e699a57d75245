import { checkKeys } from "../document/check-keys.ts";
import { type CompileContext, onKey, onValue, suggestOrList } from "../document/compile-context.ts";
import { type Field, findField, findText, isMapField, type MapNode } from "../document/tree.ts";
import { describe, quote } from "../document/wording.ts";
import type { MetadataRule } from "../machine.ts";
import { checkDescription } from "./check-description.ts";
import { readDefault } from "./read-default.ts";
import { readEnum } from "./read-enum.ts";
import { readFlag } from "./read-flag.ts";
import { readPattern } from "./read-pattern.ts";
import { readRange } from "./read-range.ts";

const KEYS = [
  "type",
  "required",
  "default",
  "pattern",
  "enum",
  "minimum",
  "maximum",
  "sensitive",
  "immutable",
  "description",
];

const NO_RULE: MetadataRule = { required: false, sensitive: false, immutable: false };

/** One rule; what is faulty in it is left out. */
export function readMetadataRule(context: CompileContext, key: string, field: Field): MetadataRule {
  checkKeyName(context, key, field);
  if (!isMapField(field)) {
    const message = `A metadata key must have a map such as {type: string}, but this is ${describe(field.node)}. Without rules write {}.`;
    context.problems.error("metadata-not-map", onValue(field), message);
    return NO_RULE;
  }
  checkKeys(context, field, { known: KEYS, code: "metadata-unknown-key", owner: "a metadata key" });
  checkDescription(context, field);
  const type = readType(context, findField(field, "type"));
  const constraints = {
    ...readFlags(context, field),
    ...(type !== undefined && { type }),
    ...readPattern(context, field, type),
    ...readEnum(context, field, type),
    ...readRange(context, field, type),
  };
  return { ...constraints, ...readDefault(context, field, constraints) };
}

// A key is a name in messages, files and URLs; `__proto__` is refused wherever metadata comes in.
function checkKeyName({ problems }: CompileContext, key: string, field: Field): void {
  if (key !== "" && key.length <= 255 && key !== "__proto__" && !/\p{Cc}/u.test(key)) return;
  const message = `${quote(key)} cannot be a metadata key: 1 to 255 characters, no control characters, not "__proto__".`;
  problems.error("metadata-key-invalid", onKey(field), message);
}

const TYPES = ["string", "number", "boolean"] as const;

function readType({ problems }: CompileContext, field: Field | undefined): MetadataRule["type"] {
  if (field === undefined) return undefined;
  const name = findText(field);
  const type = TYPES.find((known) => known === name);
  if (type !== undefined) return type;
  const near = suggestOrList(name ?? "", TYPES);
  problems.error(
    "metadata-type-unknown",
    onValue(field),
    `Metadata cannot be of the type ${describe(field.node)}.${near}`,
  );
  return undefined;
}

function readFlags(
  context: CompileContext,
  field: Field<MapNode>,
): Pick<MetadataRule, "required" | "sensitive" | "immutable"> {
  const read = (key: string) => readFlag(context, field, { key, absent: false, code: "flag-not-boolean" }) ?? false;
  return { required: read("required"), sensitive: read("sensitive"), immutable: read("immutable") };
}
