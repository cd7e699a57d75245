import { DeleteItemCommand, type DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { callAws } from "@stackyard/aws";
import { type Clock, defined } from "@stackyard/core";
import { CLOCKS_APART_MS, type LockFiles, type StrongLock, type StrongLockRequest } from "./lock-files.ts";

/** Bucket and client of the lock files. */
export interface S3LockFilesOptions {
  readonly client: S3Client;
  readonly bucket: string;
}

/**
 * Stores lock files as objects of a bucket. Failed conditional writes return 412, 404 (`If-Match` on a missing object)
 * or 409 (concurrent request; S3 guide, "How to prevent object overwrites with conditional writes" and "How to perform
 * conditional deletes"). All of them mean a conflict, so the caller reads the file again.
 */
export function createS3LockFiles({ client, bucket }: S3LockFilesOptions): LockFiles {
  const toPlace = (path: string): string => `s3://${bucket}/${path}`;
  return {
    async load(path) {
      const read = async () => {
        const { Body, ETag = "" } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: path }));
        return { text: (await Body?.transformToString("utf-8")) ?? "", version: ETag };
      };
      const what = `The object ${toPlace(path)} cannot be read.`;
      return callAws(read, { what, instead: MISSING });
    },
    async put(path, text, over) {
      const condition = over === "absent" ? { IfNoneMatch: "*" } : { IfMatch: over };
      const content = { Body: text, ContentType: "application/json" };
      const command = new PutObjectCommand({ Bucket: bucket, Key: path, ...content, ...condition });
      const written = await callAws(() => client.send(command), {
        what: `The object ${toPlace(path)} cannot be written.`,
        instead: { RECORD_CONFLICT: undefined, ...MISSING },
      });
      return written === undefined ? "conflict" : "written";
    },
    async remove(path, version) {
      const key = { Bucket: bucket, Key: path };
      const what = `The object ${toPlace(path)} cannot be deleted.`;
      const remove = async (command: DeleteObjectCommand) => {
        await client.send(command);
        return "removed" as const;
      };
      const instead = {
        NoSuchKey: "removed",
        NotFound: "removed",
        RECORD_CONFLICT: "conflict",
        // S3-compatible stores may not support conditional deletes. The predecessor did not use them either.
        NotImplemented: "unconditional",
      } as const;
      const removed = await callAws(() => remove(new DeleteObjectCommand({ ...key, IfMatch: version })), {
        what,
        instead,
      });
      if (removed !== "unconditional") return removed;
      return callAws(() => remove(new DeleteObjectCommand(key)), { what });
    },
    locate: (path) => ({ place: toPlace(path), removeCommand: `aws s3 rm ${toPlace(path)}` }),
  };
}

/** A missing bucket is an error. */
const MISSING = { NoSuchKey: undefined, NotFound: undefined };

/** Table and client of the lock. */
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
 * Stores locks in the predecessor's lock table: `key`, `id` and `time`, plus `until` in epoch ms, which its items lack.
 * Every write is conditional (DynamoDB guide, "Condition expressions"), so only one of two deployers wins.
 */
export function createDynamoLock({ client, table, clock }: DynamoLockOptions): StrongLock {
  const describe = (path: string): string => `The lock ${path} in the table ${table}`;

  /** Writes an item. The predecessor's policies allow only PutItem and DeleteItem. */
  function put(path: string, { owner, until }: StrongLockRequest, condition: Condition): Promise<boolean> {
    const item = defined({
      key: { S: path },
      id: { S: owner },
      time: { S: new Date(clock.now()).toISOString() },
      until: until === undefined ? undefined : { N: String(until) },
    });
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
    return holds(sent, `${describe(path)} cannot be written.`);
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
    return holds(sent, `${describe(path)} cannot be released.`);
  }

  return {
    take,
    renew,
    release,
    async remove(path) {
      const sent = client.send(new DeleteItemCommand({ TableName: table, Key: { key: { S: path } } }));
      await holds(sent, `${describe(path)} cannot be removed.`);
    },
    locate: (path) => ({
      place: `the item ${path} of the table ${table}`,
      removeCommand: `aws dynamodb delete-item --table-name ${table} --key '${JSON.stringify({ key: { S: path } })}'`,
    }),
  };
}

/** Returns false if the condition failed. */
function holds(sent: Promise<unknown>, what: string): Promise<boolean> {
  return callAws(() => sent.then(() => true), { what, instead: { ConditionalCheckFailedException: false } });
}
