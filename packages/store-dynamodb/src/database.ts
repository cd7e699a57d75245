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
import { type Item, type Row, toAttribute } from "./attributes.ts";
import { isConditionFailure, toStoreError } from "./to-store-error.ts";

/** What must hold for a write. Names begin with `#`, values with `:`. */
export interface Condition {
  readonly expression: string;
  readonly names?: Readonly<Record<string, string>>;
  readonly values?: Row;
}

/** What becomes of some attributes of an item; one that is not there is made. */
export interface UpdateInput {
  readonly update: string;
  readonly condition?: string;
  readonly names?: Readonly<Record<string, string>>;
  readonly values?: Row;
  /** Values that are lists of texts. */
  readonly lists?: Readonly<Record<string, readonly string[]>>;
}

/** A read of many items. Reads of a table are consistent; those of an index lag behind. */
export interface QueryInput {
  readonly index?: string;
  readonly condition: Condition;
  readonly descending?: boolean;
  /** Of one page; the caller stops when it has enough. */
  readonly pageSize?: number;
}

/** A read of a whole table. */
export interface ScanInput {
  readonly filter?: Condition | undefined;
  /** Attributes that are wanted; default: all. */
  readonly attributes?: readonly string[];
  readonly pageSize?: number;
  readonly from?: Item | undefined;
}

/** The calls that the store makes. Every one maps errors: see `toStoreError`. */
export interface Table {
  readonly name: string;
  /** Consistent. */
  get(key: Row): Promise<Item | undefined>;
  /** False: the condition does not hold. */
  put(item: Item, condition?: Condition): Promise<boolean>;
  /** The attributes that were updated, as they are now; undefined: the condition does not hold. */
  update(key: Row, input: UpdateInput): Promise<Item | undefined>;
  /** False: the condition does not hold. */
  remove(key: Row, condition?: Condition): Promise<boolean>;
  query(input: QueryInput): AsyncGenerator<Item, void, undefined>;
  /** A page, and where the next one begins. */
  scan(input: ScanInput): Promise<{ readonly items: readonly Item[]; readonly next: Item | undefined }>;
}

/** One table through a client. `nextNonce`: unique texts that tell writes apart. */
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
    // The answer to an earlier try of the same write was lost: what stands there may be ours.
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
  };
}

function keyOf(item: Item): Item {
  const names = item["pk"] === undefined ? ["id"] : ["pk", "sk"];
  return Object.fromEntries(names.flatMap((name) => (item[name] === undefined ? [] : [[name, item[name]]])));
}

async function update(client: DynamoDBClient, name: string, key: Row, input: UpdateInput): Promise<Item | undefined> {
  const command = new UpdateItemCommand({
    TableName: name,
    Key: toAttributes(key),
    UpdateExpression: input.update,
    ReturnValues: "UPDATED_NEW",
    ...toExpressionInput(input),
    ...(input.lists === undefined
      ? {}
      : { ExpressionAttributeValues: { ...toAttributes(input.values ?? {}), ...toLists(input.lists) } }),
    ...(input.condition === undefined ? {} : { ConditionExpression: input.condition }),
  });
  try {
    return (await client.send(command)).Attributes ?? {};
  } catch (error) {
    if (isConditionFailure(error)) return undefined;
    throw toStoreError(error);
  }
}

async function* query(client: DynamoDBClient, name: string, input: QueryInput): AsyncGenerator<Item, void, undefined> {
  const { index, condition, descending = false, pageSize } = input;
  let from: Record<string, AttributeValue> | undefined;
  do {
    const { ConditionExpression, ...rest } = toConditionInput(condition);
    const command = new QueryCommand({
      TableName: name,
      ...(index === undefined ? { ConsistentRead: true } : { IndexName: index }),
      KeyConditionExpression: ConditionExpression,
      ...rest,
      ScanIndexForward: !descending,
      ...(pageSize === undefined ? {} : { Limit: pageSize }),
      ...(from === undefined ? {} : { ExclusiveStartKey: from }),
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
    ...(filter === undefined ? {} : { FilterExpression: filter.expression }),
    ...(asked.length === 0 ? {} : { ProjectionExpression: asked.map(([alias]) => alias).join(", ") }),
    ...(Object.keys(names).length === 0 ? {} : { ExpressionAttributeNames: names }),
    ...(pageSize === undefined ? {} : { Limit: pageSize }),
    ...(from === undefined ? {} : { ExclusiveStartKey: from }),
  });
  const page = await call(() => client.send(command));
  return { items: page.Items ?? [], next: page.LastEvaluatedKey };
}

function toConditionInput(condition: Condition | undefined) {
  if (condition === undefined) return { ConditionExpression: undefined };
  return { ConditionExpression: condition.expression, ...toExpressionInput(condition) };
}

function toExpressionInput({ names, values }: Omit<Condition, "expression">): {
  readonly ExpressionAttributeNames?: Record<string, string>;
  readonly ExpressionAttributeValues?: Item;
} {
  return {
    ...(names === undefined ? {} : { ExpressionAttributeNames: { ...names } }),
    ...(values === undefined ? {} : { ExpressionAttributeValues: toAttributes(values) }),
  };
}

function toAttributes(row: Row): Item {
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

/** `isSure`: there was one try only, so that a failed condition is not our own doing. */
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
  if (!(error instanceof Error) || !("$metadata" in error)) return 1;
  const metadata = error.$metadata;
  if (typeof metadata !== "object" || metadata === null || !("attempts" in metadata)) return 1;
  return Number(metadata.attempts ?? 1);
}
