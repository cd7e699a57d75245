import type { NormalizedSchema } from "@smithy/core/schema";
import type { QueryNode, QueryTree } from "./parse-query.ts";

/** EC2 writes lists without `member` and names with capitals (Smithy, "AWS EC2 query protocol"). */
export type QueryDialect = "awsQuery" | "ec2Query";

const NONE: QueryTree = new Map();

/** A value as the SDK's types have it: numbers, booleans, instants, lists, maps and structures of texts on the wire. */
export function readQueryValue(schema: NormalizedSchema, node: QueryNode, dialect: QueryDialect): unknown {
  if (schema.isListSchema()) return readList(schema, node, dialect);
  if (schema.isMapSchema()) return readMap(schema, node, dialect);
  if (schema.isStructSchema()) return readStructure(schema, toTree(node), dialect);
  return typeof node === "string" ? readText(schema, node) : undefined;
}

/** A structure of the fields that the request has; what the operation does not know is left out. */
export function readStructure(
  schema: NormalizedSchema,
  tree: QueryTree,
  dialect: QueryDialect,
): Readonly<Record<string, unknown>> {
  const fields: Record<string, unknown> = {};
  for (const [name, member] of schema.structIterator()) {
    const node = tree.get(toWireName(name, member, dialect));
    if (node !== undefined) fields[name] = readQueryValue(member, node, dialect);
  }
  return fields;
}

function toWireName(name: string, member: NormalizedSchema, dialect: QueryDialect): string {
  const { xmlName = name, ec2QueryName } = member.getMergedTraits();
  if (dialect === "awsQuery") return xmlName;
  return String(ec2QueryName ?? `${xmlName.slice(0, 1).toUpperCase()}${xmlName.slice(1)}`);
}

/** An empty list is written as an empty text. */
function readList(schema: NormalizedSchema, node: QueryNode, dialect: QueryDialect): readonly unknown[] {
  const value = schema.getValueSchema();
  const isFlat = dialect === "ec2Query" || schema.getMergedTraits().xmlFlattened !== undefined;
  const items = isFlat ? node : toTree(node).get(value.getMergedTraits().xmlName ?? "member");
  return listItems(items).map((item) => readQueryValue(value, item, dialect));
}

function readMap(schema: NormalizedSchema, node: QueryNode, dialect: QueryDialect): unknown {
  const [key, value] = [schema.getKeySchema(), schema.getValueSchema()];
  const isFlat = schema.getMergedTraits().xmlFlattened !== undefined;
  const entries = listItems(isFlat ? node : toTree(node).get("entry")).map((item) => {
    const tree = toTree(item);
    const name = tree.get(key.getMergedTraits().xmlName ?? "key");
    return [String(name), readQueryValue(value, tree.get(value.getMergedTraits().xmlName ?? "value") ?? "", dialect)];
  });
  return Object.fromEntries(entries);
}

function listItems(node: QueryNode = NONE): readonly QueryNode[] {
  return [...toTree(node)].toSorted(([left], [right]) => Number(left) - Number(right)).map(([, item]) => item);
}

function readText(schema: NormalizedSchema, text: string): unknown {
  if (schema.isBooleanSchema()) return text === "true";
  if (schema.isNumericSchema()) return Number(text);
  if (schema.isTimestampSchema()) return new Date(text);
  return schema.isBlobSchema() ? Buffer.from(text, "base64") : text;
}

function toTree(node: QueryNode): QueryTree {
  return typeof node === "string" ? NONE : node;
}
