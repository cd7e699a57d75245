import { deflateRawSync, inflateRawSync } from "node:zlib";
import {
  type AttributeValue,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { defined, isMap, isStackyardError, mapLimited, StackyardError } from "@stackyard/core";

/** An item of DynamoDB. */
export type Item = Record<string, AttributeValue>;

/** A row in code: undefined values are missing. */
export type Row = Readonly<Record<string, unknown>>;

/** Texts up to this length are stored as plain text, which is readable in the console; longer ones are compressed. */
const PLAIN = 1024;

/**
 * Converts a row to an item. Plain texts, numbers and booleans are stored as such; everything else is JSON, deflated
 * when it is long: the messages of one commit repeat each other, and an item has at most 400 KB.
 */
export function toItem(row: Row): Item {
  return toAttributes(defined(row));
}

/** Converts an item of `toItem` back to a row. */
export function fromItem(item: Item): Record<string, unknown> {
  return Object.fromEntries(Object.entries(item).map(([name, value]) => [name, fromAttribute(name, value)]));
}

/** Converts one value of a row. */
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

const CONDITION = "ConditionalCheckFailedException";
const MISSING = "ResourceNotFoundException";
const TOO_LARGE = /item size/i;

/** Advice against errors by name; those of one line may be transient. */
const ADVICE: Readonly<Record<string, string>> = {
  [MISSING]: "A table or an index is missing. The README lists the required ones.",
  AccessDeniedException: "Grant the role the statement of the README.",
  UnrecognizedClientException: "The credentials are not valid here.",
  ExpiredTokenException: "The credentials are over.",
  InvalidSignatureException: "The secret key is wrong, or the clock of this machine is off by more than five minutes.",
  CredentialsProviderError: "No credentials were found.",
  ProvisionedThroughputExceededException: "The table's capacity is used up: use on-demand billing, or provision more.",
  ThrottlingException: "Too many simultaneous calls. The call is retried.",
  RequestLimitExceeded: "The account's throughput is used up: ask AWS for a higher quota.",
};

/** Returns true when the condition of a write was false. */
export function isConditionFailure(error: unknown): boolean {
  return error instanceof Error && error.name === CONDITION;
}

/** Returns true when the table or the index does not exist. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && error.name === MISSING;
}

/**
 * Converts an error of the SDK to one of ours, with the SDK's as its cause. Errors of ours and faults of the code are
 * returned unchanged. Names: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
 */
export function toStoreError(error: unknown): unknown {
  if (isStackyardError(error) || !(error instanceof Error)) return error;
  if (error.name === "ValidationException" && TOO_LARGE.test(error.message)) {
    const message = `DynamoDB takes at most 400 KB in one item: ${error.message}.`;
    return new StackyardError("PAYLOAD_TOO_LARGE", message, { cause: error });
  }
  if (!isFromOutside(error)) return error;
  const text = `DynamoDB reported: ${error.message || error.name} (${error.name}). ${ADVICE[error.name] ?? ""}`.trim();
  return new StackyardError("STORE_UNAVAILABLE", text, { cause: error });
}

// The service's errors have metadata; those of sockets and name look-ups a code; the SDK's own are known by name.
function isFromOutside(error: Error): boolean {
  if (error.name === "ValidationException") return false;
  return "$metadata" in error || "code" in error || error.name === "TimeoutError" || ADVICE[error.name] !== undefined;
}

/** The condition of a write. Names begin with `#`, values with `:`. */
export interface Condition {
  readonly expression: string;
  readonly names?: Readonly<Record<string, string>>;
  readonly values?: Row;
}

/** The change of some attributes of an item; a missing item is created. */
interface UpdateInput {
  readonly update: string;
  readonly condition?: string;
  readonly names?: Readonly<Record<string, string>>;
  readonly values?: Row;
  /** Values that are lists of texts. */
  readonly lists?: Readonly<Record<string, readonly string[]>>;
}

/** The primary key of an item. */
type TableKey = { readonly pk: string; readonly sk: string } | { readonly id: string };

/** A secondary index, and the attributes of its key. */
export interface TableIndex {
  readonly name: string;
  readonly key: string;
  readonly at: string;
}

/** The items of one partition, in order of the sort key. The limits apply to the sort key. */
export interface KeyRange {
  readonly part: string | number;
  readonly prefix?: string;
  readonly from?: string | number | undefined;
  readonly to?: string | number | undefined;
  /** Exclusive. */
  readonly before?: string | number | undefined;
}

/** A read of many items. Reads of a table are consistent; those of an index lag behind. */
interface QueryInput extends KeyRange {
  readonly index?: TableIndex;
  readonly descending?: boolean;
  /** The size of one page; the caller stops when it has enough. */
  readonly pageSize?: number;
}

/** A read of a whole table. */
interface ScanInput {
  readonly filter?: Condition | undefined;
  /** Attributes that are wanted; default: all. */
  readonly attributes?: readonly string[];
  readonly pageSize?: number;
  readonly from?: Item | undefined;
}

/** The calls that the store makes. Every one maps errors: see `toStoreError`. */
export interface Table {
  readonly name: string;
  /** Reads an item consistently. */
  get(key: TableKey): Promise<Item | undefined>;
  /** Writes an item. Returns false when the condition is false. */
  put(item: Item, condition?: Condition): Promise<boolean>;
  /** Updates attributes and returns them as they are now; undefined when the condition is false. */
  update(key: TableKey, input: UpdateInput): Promise<Item | undefined>;
  /** Removes an item. Returns false when the condition is false. */
  remove(key: TableKey, condition?: Condition): Promise<boolean>;
  query(input: QueryInput): AsyncGenerator<Item, void, undefined>;
  /** Scans all pages. */
  scanAll(input: Omit<ScanInput, "from">): AsyncGenerator<readonly Item[], void, undefined>;
  /** Scans a page, and returns where the next one begins. */
  scan(input: ScanInput): Promise<{ readonly items: readonly Item[]; readonly next: Item | undefined }>;
}

/** Creates access to one table. `nextNonce` returns unique texts that distinguish writes. */
export function createTable(client: DynamoDBClient, name: string, nextNonce: () => string): Table {
  async function put(item: Item, condition?: Condition): Promise<boolean> {
    const nonce = { S: nextNonce() };
    const command = new PutItemCommand({
      TableName: name,
      Item: { ...item, nonce },
      ...toConditionInput(condition),
    });
    const { isHeld, isSure } = await attempt(() => client.send(command));
    if (isHeld || isSure) return isHeld;
    // The response to an earlier try of the same write was lost: the stored item may be from that write.
    return (await find(keyOf(item)))?.["nonce"]?.S === nonce.S;
  }

  async function find(key: Item): Promise<Item | undefined> {
    const command = new GetItemCommand({ TableName: name, Key: key, ConsistentRead: true });
    return (await call(() => client.send(command))).Item;
  }

  return {
    name,
    put,
    get: (key) => find(toAttributes(key)),
    update: (key, input) => update(client, name, key, input),
    async remove(key, condition) {
      const command = new DeleteItemCommand({
        TableName: name,
        Key: toAttributes(key),
        ...toConditionInput(condition),
      });
      return (await attempt(() => client.send(command))).isHeld;
    },
    query: (input) => query(client, name, input),
    scan: (input) => scan(client, name, input),
    async *scanAll(input) {
      let from: Item | undefined;
      do {
        const page = await scan(client, name, { ...input, from });
        yield page.items;
        from = page.next;
      } while (from !== undefined);
    },
  };
}

function keyOf(item: Item): Item {
  const names = item["pk"] === undefined ? ["id"] : ["pk", "sk"];
  return Object.fromEntries(names.flatMap((name) => (item[name] === undefined ? [] : [[name, item[name]]])));
}

async function update(
  client: DynamoDBClient,
  name: string,
  key: TableKey,
  input: UpdateInput,
): Promise<Item | undefined> {
  const command = new UpdateItemCommand({
    TableName: name,
    Key: toAttributes(key),
    UpdateExpression: input.update,
    ReturnValues: "UPDATED_NEW",
    ConditionExpression: input.condition,
    ExpressionAttributeNames: input.names && { ...input.names },
    ExpressionAttributeValues: { ...toAttributes(input.values ?? {}), ...toLists(input.lists ?? {}) },
  });
  try {
    return (await client.send(command)).Attributes ?? {};
  } catch (error) {
    if (isConditionFailure(error)) return undefined;
    throw toStoreError(error);
  }
}

async function* query(client: DynamoDBClient, name: string, input: QueryInput): AsyncGenerator<Item, void, undefined> {
  const { index, descending = false, pageSize } = input;
  const { ConditionExpression, ...rest } = toConditionInput(toKeyCondition(input));
  let from: Record<string, AttributeValue> | undefined;
  do {
    const command = new QueryCommand({
      TableName: name,
      ...(index === undefined ? { ConsistentRead: true } : { IndexName: index.name }),
      KeyConditionExpression: ConditionExpression,
      ...rest,
      ScanIndexForward: !descending,
      Limit: pageSize,
      ExclusiveStartKey: from,
    });
    const page = await call(() => client.send(command));
    yield* page.Items ?? [];
    from = page.LastEvaluatedKey;
  } while (from !== undefined);
}

async function scan(client: DynamoDBClient, name: string, { filter, attributes, pageSize, from }: ScanInput) {
  const { ExpressionAttributeNames, ...rest } = toExpressionInput(filter ?? {});
  const asked = (attributes ?? []).map((attribute, index) => [`#a${index}`, attribute] as const);
  const names = { ...ExpressionAttributeNames, ...Object.fromEntries(asked) };
  const command = new ScanCommand({
    TableName: name,
    ConsistentRead: true,
    ...rest,
    FilterExpression: filter?.expression,
    ProjectionExpression: asked.length === 0 ? undefined : asked.map(([alias]) => alias).join(", "),
    ExpressionAttributeNames: Object.keys(names).length === 0 ? undefined : names,
    Limit: pageSize,
    ExclusiveStartKey: from,
  });
  const page = await call(() => client.send(command));
  return { items: page.Items ?? [], next: page.LastEvaluatedKey };
}

function toKeyCondition({ index, part, prefix, from, to, before }: QueryInput): Condition {
  const { key, at } = index ?? { key: "pk", at: "sk" };
  const limit = toLimit(at, { prefix, from, to, before });
  const values = defined({ ":part": part, ":prefix": prefix, ":from": from, ":to": to, ":before": before });
  return { expression: limit === undefined ? `${key} = :part` : `${key} = :part AND ${limit}`, values };
}

/** Returns the condition on the sort key; DynamoDB accepts only one. */
function toLimit(at: string, { prefix, from, to, before }: { [Name in keyof KeyRange]?: unknown }): string | undefined {
  if (prefix !== undefined) return `begins_with(${at}, :prefix)`;
  if (before !== undefined) return `${at} < :before`;
  if (from !== undefined) return to === undefined ? `${at} >= :from` : `${at} BETWEEN :from AND :to`;
  return to === undefined ? undefined : `${at} <= :to`;
}

function toConditionInput(condition: Condition | undefined) {
  return { ConditionExpression: condition?.expression, ...toExpressionInput(condition ?? {}) };
}

function toExpressionInput({ names, values }: Omit<Condition, "expression">) {
  return {
    ExpressionAttributeNames: names && { ...names },
    ExpressionAttributeValues: values && toAttributes(values),
  };
}

function toAttributes(row: object): Item {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, toAttribute(value)]));
}

function toLists(lists: Readonly<Record<string, readonly string[]>>): Item {
  return Object.fromEntries(Object.entries(lists).map(([name, texts]) => [name, { L: texts.map((S) => ({ S })) }]));
}

async function call<Result>(send: () => Promise<Result>): Promise<Result> {
  try {
    return await send();
  } catch (error) {
    throw toStoreError(error);
  }
}

/**
 * Sends a conditional call. `isSure`: there was one try only, so a failed condition was not caused by this call itself.
 */
async function attempt(send: () => Promise<unknown>): Promise<{ readonly isHeld: boolean; readonly isSure: boolean }> {
  try {
    await send();
    return { isHeld: true, isSure: true };
  } catch (error) {
    if (isConditionFailure(error)) return { isHeld: false, isSure: countTries(error) === 1 };
    throw toStoreError(error);
  }
}

function countTries(error: unknown): number {
  const metadata = error instanceof Error && "$metadata" in error ? error.$metadata : undefined;
  return isMap(metadata) ? Number(metadata["attempts"] ?? 1) : 1;
}

const KEY = { pk: "yard", sk: "counters" };

/** Takes the number of the next incarnation of a record. */
export async function takeRecordNumber(work: Table): Promise<number> {
  const updated = await work.update(KEY, {
    update: "ADD #counter :count",
    names: { "#counter": "record" },
    values: { ":count": 1 },
  });
  if (updated === undefined) throw new StackyardError("INTERNAL", "The counter could not be read.");
  return Number(fromItem(updated)["record"] ?? 0);
}

const WIDTH = 16;

/** Maps items with at most 16 calls at a time; see `mapLimited`. */
export function inParallel<Item, Result>(
  items: readonly Item[],
  run: (item: Item, index: number) => Promise<Result>,
): Promise<readonly Result[]> {
  return mapLimited(items, WIDTH, run);
}

/** Runs calls of one key one after the other. */
export type Serializer = <Result>(key: string, run: () => Promise<Result>) => Promise<Result>;

/** Creates a serializer: writers of one process to the same item would only make each other try again. */
export function createSerializer(): Serializer {
  const tails = new Map<string, Promise<unknown>>();
  return (key, run) => {
    const result = (tails.get(key) ?? Promise.resolve()).then(run, run);
    tails.set(key, result);
    const forget = () => {
      if (tails.get(key) === result) tails.delete(key);
    };
    result.then(forget, forget);
    return result;
  };
}
