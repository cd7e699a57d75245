import { DeleteItemCommand, type DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { findAwsFault, toAwsError } from "@stackyard/aws";
import type { Clock } from "@stackyard/core";
import { CLOCKS_APART_MS } from "./lock-file.ts";
import type { StrongLock, StrongLockRequest } from "./strong-lock.ts";

/** Which table, and the client for it. */
export interface DynamoLockOptions {
  readonly client: DynamoDBClient;
  /** `<name of the deployer's function, in lower case>-locks`; its key is the text `key`. */
  readonly table: string;
  readonly clock: Clock;
}

interface Condition {
  readonly expression: string;
  readonly names: Readonly<Record<string, string>>;
  readonly values: Readonly<Record<string, { readonly N: string }>>;
}

/**
 * The predecessor's lock table: `key`, `id` and `time`, and our `until` in epoch ms, which its items do not have. Every write is
 * conditional (DynamoDB guide, "Condition expressions"), so of two deployers one wins.
 */
export function createDynamoLock({ client, table, clock }: DynamoLockOptions): StrongLock {
  const tell = (path: string): string => `The lock ${path} in the table ${table}`;

  /** PutItem and DeleteItem are all that the predecessor's policies allow. */
  function put(path: string, { owner, until }: StrongLockRequest, condition: Condition): Promise<boolean> {
    const item = {
      key: { S: path },
      id: { S: owner },
      time: { S: new Date(clock.now()).toISOString() },
      ...(until === undefined ? {} : { until: { N: String(until) } }),
    };
    const values = { ":id": { S: owner }, ...condition.values };
    const sent = client.send(
      new PutItemCommand({
        TableName: table,
        Item: item,
        ConditionExpression: condition.expression,
        ExpressionAttributeNames: condition.names,
        ExpressionAttributeValues: values,
      }),
    );
    return holds(sent, `${tell(path)} cannot be written.`);
  }

  async function take(path: string, request: StrongLockRequest): Promise<"taken" | "held"> {
    const isTaken = await put(path, request, {
      expression: "attribute_not_exists(#key) OR #id = :id OR #until < :lapsed",
      names: { "#key": "key", "#id": "id", "#until": "until" },
      values: { ":lapsed": { N: String(clock.now() - CLOCKS_APART_MS) } },
    });
    return isTaken ? "taken" : "held";
  }

  function renew(path: string, request: StrongLockRequest): Promise<boolean> {
    return put(path, request, { expression: "#id = :id", names: { "#id": "id" }, values: {} });
  }

  function release(path: string, owner: string): Promise<boolean> {
    const condition = {
      ConditionExpression: "attribute_not_exists(#id) OR #id = :id",
      ExpressionAttributeNames: { "#id": "id" },
      ExpressionAttributeValues: { ":id": { S: owner } },
    };
    const sent = client.send(new DeleteItemCommand({ TableName: table, Key: { key: { S: path } }, ...condition }));
    return holds(sent, `${tell(path)} cannot be released.`);
  }

  return {
    take,
    renew,
    release,
    async remove(path) {
      const sent = client.send(new DeleteItemCommand({ TableName: table, Key: { key: { S: path } } }));
      await holds(sent, `${tell(path)} cannot be removed.`);
    },
    locate: (path) => ({
      place: `the item ${path} of the table ${table}`,
      removeCommand: `aws dynamodb delete-item --table-name ${table} --key '${JSON.stringify({ key: { S: path } })}'`,
    }),
  };
}

/** False: the condition did not hold. */
async function holds(sent: Promise<unknown>, what: string): Promise<boolean> {
  try {
    await sent;
    return true;
  } catch (error) {
    if (findAwsFault(error).name === "ConditionalCheckFailedException") return false;
    throw toAwsError(error, what);
  }
}
