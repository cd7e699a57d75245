import type { AttributeValue, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DUE_INDEX, WORK_INDEXES } from "../tables.ts";
import { interceptClient } from "./failing-client.ts";

/** Calls and the units that they consume: what a yard pays for. */
export interface CountedCalls {
  /** Such as `PutItem work`, in order of names. */
  readonly calls: readonly string[];
  readonly read: number;
  readonly write: number;
}

type Item = Readonly<Record<string, AttributeValue>>;

/** Key attributes of each index, and the other attributes of its entries. */
const INDEXES = [
  { key: [DUE_INDEX.key, DUE_INDEX.at], holds: [] },
  ...Object.values(WORK_INDEXES).map(({ key, at, holds }) => ({ key: [key, at], holds })),
];

/**
 * Wraps a client so that it counts. The emulator reports the consumption of a call by the sizes of its items. Writes to
 * indexes are added by the rules of the developer guide ("Working with Global Secondary Indexes", write capacity): a
 * new, a removed or a changed entry is one write, one whose key changes is two.
 */
export function countUnits(through: DynamoDBClient): {
  readonly client: DynamoDBClient;
  count(run: () => Promise<unknown>): Promise<CountedCalls>;
} {
  let calls: string[] = [];
  let read = 0;
  let write = 0;
  const items = new Map<string, Item>();
  const client = interceptClient(through, async ({ name, input }, call) => {
    // The SDK sends the very input.
    Object.assign(input, { ReturnConsumedCapacity: "TOTAL" });
    const answer = Object(await call());
    const table = String(input["TableName"]).endsWith("-work") ? "work" : "stacks";
    const units = Number(answer.ConsumedCapacity?.CapacityUnits ?? 0);
    calls.push(`${name} ${table}`);
    if (["GetItem", "Query", "Scan"].includes(name)) read += units;
    else write += units + countEntries(name, input, table);
    return answer;
  });

  function countEntries(name: string, input: Readonly<Record<string, unknown>>, table: string): number {
    const given = (name === "PutItem" ? input["Item"] : input["Key"]) as Item | undefined;
    const key = `${table} ${JSON.stringify([given?.["id"]?.S, given?.["pk"]?.S, given?.["sk"]?.S])}`;
    const before = items.get(key);
    if (name === "UpdateItem") return 0;
    if (name === "PutItem" && given !== undefined) items.set(key, given);
    else items.delete(key);
    return countChanges(before, items.get(key));
  }

  return {
    client,
    async count(run) {
      calls = [];
      read = 0;
      write = 0;
      await run();
      return { calls: calls.toSorted(), read, write };
    },
  };
}

function countChanges(before: Item | undefined, after: Item | undefined): number {
  return INDEXES.reduce((sum, { key, holds }) => {
    const [old, now] = [toEntry(before, key), toEntry(after, key)];
    if (old === undefined || now === undefined) return sum + (old === now ? 0 : 1);
    if (old !== now) return sum + 2;
    return sum + (toText(before, holds) === toText(after, holds) ? 0 : 1);
  }, 0);
}

function toEntry(item: Item | undefined, key: readonly string[]): string | undefined {
  return item !== undefined && key.every((name) => item[name] !== undefined) ? toText(item, key) : undefined;
}

function toText(item: Item | undefined, names: readonly string[]): string {
  return JSON.stringify(names.map((name) => item?.[name]));
}
