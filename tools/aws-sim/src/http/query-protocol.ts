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

/** Escapes text inside of an element. */
export function escapeText(text: string): string {
  return text.replace(/[&<>\r]/g, (each) => `&#${each.codePointAt(0)};`);
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
  /** Formats a structure as XML, inside of its element. */
  toXml(schema: NormalizedSchema, value: unknown): string;
  /** Parses a structure from an XML body. */
  readXml(schema: NormalizedSchema, text: string): unknown;
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
  xmlCodec ??= loadXmlCodec();
  const xml = await xmlCodec;
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
    toXml(schema, value) {
      const serializer = xml.createSerializer();
      serializer.write(schema, value);
      return String(serializer.flush())
        .replace(/^<[^>]*>/, "")
        .replace(/<[^>]*>$/, "");
    },
    readXml: (schema, text) => xml.createDeserializer().read(schema, Buffer.from(text)),
  };
}

let xmlCodec: ReturnType<typeof loadXmlCodec> | undefined;

/** Returns what the client of S3 writes and reads XML with, by the schemas of any service. */
async function loadXmlCodec() {
  const { S3Client } = await MODULES.S3();
  return new S3Client({ region: "us-east-1" }).config.protocol.getPayloadCodec();
}

function toStructure(ref: Parameters<typeof NormalizedSchema.of>[0]): NormalizedSchema | undefined {
  const schema = NormalizedSchema.of(ref);
  return schema.isStructSchema() ? schema : undefined;
}
