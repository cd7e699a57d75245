import type { NormalizedSchema } from "@smithy/core/schema";

/** A structure as XML, inside of its element. Sources: Smithy, "AWS query protocol", "AWS EC2 query protocol", "XML binding traits". */
export function toXml(schema: NormalizedSchema, value: unknown): string {
  return [...schema.structIterator()]
    .map(([name, member]) => toElement(member.getMemberTraits().xmlName ?? name, member, Object(value)[name]))
    .join("");
}

/** Text inside of an element. */
export function escapeText(text: string): string {
  return text.replace(/[&<>\r]/g, (each) => `&#${each.codePointAt(0)};`);
}

function toElement(tag: string, schema: NormalizedSchema, value: unknown): string {
  if (value === undefined || value === null) return "";
  const isFlat = schema.getMergedTraits().xmlFlattened !== undefined;
  if (schema.isListSchema()) {
    const items = toItems(value);
    const each = schema.getValueSchema();
    if (isFlat) return items.map((item) => toElement(tag, each, item)).join("");
    const itemTag = each.getMergedTraits().xmlName ?? "member";
    return wrap(tag, items.map((item) => toElement(itemTag, each, item)).join(""));
  }
  if (schema.isMapSchema()) {
    const entries = Object.entries(value).map((entry) => toEntry(isFlat ? tag : "entry", schema, entry));
    return isFlat ? entries.join("") : wrap(tag, entries.join(""));
  }
  return wrap(tag, schema.isStructSchema() ? toXml(schema, value) : escapeText(toText(value)));
}

function toEntry(tag: string, schema: NormalizedSchema, [key, value]: readonly [string, unknown]): string {
  const [keys, values] = [schema.getKeySchema(), schema.getValueSchema()];
  const name = toElement(keys.getMergedTraits().xmlName ?? "key", keys, key);
  return wrap(tag, `${name}${toElement(values.getMergedTraits().xmlName ?? "value", values, value)}`);
}

function toItems(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function toText(value: unknown): string {
  if (value instanceof Date) return value.toISOString();
  return value instanceof Uint8Array ? Buffer.from(value).toString("base64") : String(value);
}

function wrap(tag: string, text: string): string {
  return `<${tag}>${text}</${tag}>`;
}
