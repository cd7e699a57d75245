import { NormalizedSchema } from "@smithy/core/schema";

/** A value of a query request: a text, or values by the parts of their names. */
type QueryNode = string | QueryTree;

/** `Filter.1.Value.2=x` is the text `x` under `Filter`, `1`, `Value` and `2`. */
interface QueryTree extends ReadonlyMap<string, QueryNode> {}

/** A request of the query protocols. Source: Smithy, "AWS query protocol" and "AWS EC2 query protocol", serialization of requests. */
interface QueryRequest {
  readonly operation: string;
  readonly version: string;
  readonly fields: QueryTree;
}

/** Takes the form apart. */
export function parseQuery(body: string): QueryRequest {
  const { Action: operation = "", Version: version = "", ...rest } = Object.fromEntries(new URLSearchParams(body));
  const fields = new Map<string, QueryNode>();
  for (const [path, value] of Object.entries(rest)) put(fields, path.split("."), value);
  return { operation, version, fields };
}

type Branch = Map<string, QueryNode>;

function put(into: Branch, [name = "", ...rest]: readonly string[], value: string): void {
  if (rest.length === 0) {
    into.set(name, value);
    return;
  }
  const known = into.get(name);
  const branch: Branch = new Map(typeof known === "object" ? known : []);
  put(branch, rest, value);
  into.set(name, branch);
}

/** EC2 writes lists without `member` and names with capitals (Smithy, "AWS EC2 query protocol"). */
export type QueryDialect = "awsQuery" | "ec2Query";

const NONE: QueryTree = new Map();

/** Parses a value to the SDK's types: numbers, booleans, instants, lists, maps and structures of texts on the wire. */
function readQueryValue(schema: NormalizedSchema, node: QueryNode, dialect: QueryDialect): unknown {
  if (schema.isListSchema()) return readList(schema, node, dialect);
  if (schema.isMapSchema()) return readMap(schema, node, dialect);
  if (schema.isStructSchema()) return readStructure(schema, toTree(node), dialect);
  return typeof node === "string" ? readText(schema, node) : undefined;
}

/** Parses the structure of a request's fields; drops those unknown to the operation. */
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

/** Reads a list; an empty one is written as an empty text. */
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

/** An error as a service answers it. */
interface WireFault {
  readonly name: string;
  readonly message: string;
  readonly status: number;
}

/** Returns a service's error; a broken connection is rethrown, and breaks for the caller. */
export function readFault(error: unknown): WireFault {
  const { name, message, code, $metadata } = Object(error);
  if (code === "ECONNRESET") throw error;
  return { name: String(name), message: String(message), status: Object($metadata).httpStatusCode ?? 500 };
}

/**
 * Formats a structure as XML, inside of its element. Sources: Smithy, "AWS query protocol", "AWS EC2 query protocol",
 * "XML binding traits".
 */
export function toXml(schema: NormalizedSchema, value: unknown): string {
  return [...schema.structIterator()]
    .map(([name, member]) => toElement(member.getMemberTraits().xmlName ?? name, member, Object(value)[name]))
    .join("");
}

/** Escapes text inside of an element. */
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

/** An element: its text, and the elements in it. */
interface XmlElement {
  readonly name: string;
  readonly children: readonly XmlElement[];
  readonly text: string;
}

/**
 * Parses a structure from an XML body, by the schema. Source: Smithy, "XML binding traits"; no attributes, which S3
 * reads in grants only.
 */
export function readXml(schema: NormalizedSchema, text: string): unknown {
  return readValue(schema, [parseXml(text)]);
}

/** Reads a value. `elements`: those of the name; flattened lists have several. */
function readValue(schema: NormalizedSchema, elements: readonly XmlElement[]): unknown {
  const [first] = elements;
  if (first === undefined) return;
  if (schema.isListSchema()) {
    const items = schema.getMergedTraits().xmlFlattened === undefined ? first.children : elements;
    return items.map((item) => readValue(schema.getValueSchema(), [item]));
  }
  if (!schema.isStructSchema()) return readXmlText(schema, first.text);
  const fields: Record<string, unknown> = {};
  for (const [name, member] of schema.structIterator()) {
    const tag = member.getMemberTraits().xmlName ?? name;
    const value = readValue(
      member,
      first.children.filter((child) => child.name === tag),
    );
    if (value !== undefined) fields[name] = value;
  }
  return fields;
}

function readXmlText(schema: NormalizedSchema, text: string): unknown {
  if (schema.isBooleanSchema()) return text === "true";
  if (schema.isNumericSchema()) return Number(text);
  return schema.isTimestampSchema() ? new Date(text) : text;
}

const TOKEN = /<(\/?)([\w:.-]+)[^<>]*?(\/?)>|([^<]+)/g;

/** Parses the XML of SDK clients: elements and texts, without comments and declarations. */
function parseXml(text: string): XmlElement {
  const root: Open = { name: "", children: [], texts: [] };
  const open: Open[] = [root];
  for (const [, closes, name = "", isEmpty, content] of text.replace(/<\?.*?\?>/gs, "").matchAll(TOKEN)) {
    const parent = open.at(-1) ?? root;
    if (content !== undefined) parent.texts.push(content);
    else if (closes) open.pop();
    else {
      const element: Open = { name: name.replace(/^.*:/, ""), children: [], texts: [] };
      parent.children.push(element);
      if (!isEmpty) open.push(element);
    }
  }
  return close(root).children[0] ?? { name: "", children: [], text: "" };
}

interface Open {
  readonly name: string;
  readonly children: Open[];
  readonly texts: string[];
}

function close({ name, children, texts }: Open): XmlElement {
  return { name, children: children.map(close), text: unescapeText(texts.join("")) };
}

const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

function unescapeText(text: string): string {
  return text.replace(/&(#x?)?(\w+);/g, (_, number, name) => {
    if (number === undefined) return ENTITIES[name] ?? "";
    return String.fromCodePoint(Number.parseInt(name, number === "#x" ? 16 : 10));
  });
}

/** Services whose shapes are known, as the SDK names their clients without `Client`. */
type KnownService = keyof typeof MODULES;

/** Those of them that speak a query protocol. */
export type QueryService = Exclude<KnownService, "CloudWatch" | "S3">;

/** The shapes of a service, as its client writes and reads them. */
export interface ServiceSchemas {
  /** Returns an operation; undefined when the service does not have it. */
  findOperation(operation: string): OperationSchemas | undefined;
  /**
   * Returns the code on the wire of an error, which clients know by the name of its class (the `awsQueryError` trait).
   */
  toCode(errorName: string): string;
}

/** What goes in and what comes out; undefined: nothing. */
export interface OperationSchemas {
  readonly input: NormalizedSchema | undefined;
  readonly output: NormalizedSchema | undefined;
}

/** Loaded on the first request to a service: the schemas of EC2 alone are two megabytes. */
const MODULES = {
  AutoScaling: () => import("@aws-sdk/client-auto-scaling"),
  CloudFormation: () => import("@aws-sdk/client-cloudformation"),
  CloudWatch: () => import("@aws-sdk/client-cloudwatch"),
  EC2: () => import("@aws-sdk/client-ec2"),
  ElasticLoadBalancing: () => import("@aws-sdk/client-elastic-load-balancing"),
  ElasticLoadBalancingV2: () => import("@aws-sdk/client-elastic-load-balancing-v2"),
  IAM: () => import("@aws-sdk/client-iam"),
  S3: () => import("@aws-sdk/client-s3"),
  SNS: () => import("@aws-sdk/client-sns"),
  STS: () => import("@aws-sdk/client-sts"),
} as const;

/**
 * Reads the schemas that the client of a service brings along, so that texts on the wire become what the SDK's types say, and
 * no names or types are written down twice.
 */
export async function loadSchemas(service: KnownService): Promise<ServiceSchemas> {
  const shapes: Readonly<Record<string, unknown>> = await MODULES[service]();
  return {
    findOperation(operation) {
      const shape = shapes[`${operation}$`];
      if (!Array.isArray(shape)) return;
      const [, , , , input, output] = shape;
      return { input: toStructure(input), output: toStructure(output) };
    },
    toCode(errorName) {
      const shape = shapes[`${errorName}$`];
      if (!Array.isArray(shape)) return errorName;
      const code: unknown = Object(Object(shape[3])["awsQueryError"])[0];
      return typeof code === "string" ? code : errorName;
    },
  };
}

function toStructure(ref: Parameters<typeof NormalizedSchema.of>[0]): NormalizedSchema | undefined {
  const schema = NormalizedSchema.of(ref);
  return schema.isStructSchema() ? schema : undefined;
}
