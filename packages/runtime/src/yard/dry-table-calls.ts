import {
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import type { DryCall } from "./dry-call.ts";

/** No stack's id and no key of ours begins so. */
const NOBODY = "stackyard-doctor/nobody";
const READING = "`stackyard stacks` and `watch`";
const WRITING = "`stackyard events redrive`";

/** Reads of an item that is not there, and writes under a condition that never holds. */
export function listTableCalls(
  client: DynamoDBClient,
  { stacks, work }: { readonly stacks: string; readonly work: string },
): readonly DryCall[] {
  return [...listReads(client, stacks, work), ...listWrites(client, work)];
}

function listReads(client: DynamoDBClient, stacks: string, work: string): readonly DryCall[] {
  const query = { TableName: work, Limit: 1, ExpressionAttributeValues: { ":nobody": { S: NOBODY } } };
  const purpose = READING;
  return [
    {
      ...{ action: "dynamodb:GetItem", resource: stacks, purpose },
      call: () => client.send(new GetItemCommand({ TableName: stacks, Key: { id: { S: NOBODY } } })),
    },
    {
      ...{ action: "dynamodb:Scan", resource: stacks, purpose },
      call: () => client.send(new ScanCommand({ TableName: stacks, Limit: 1 })),
    },
    {
      ...{ action: "dynamodb:GetItem", resource: work, purpose },
      call: () => client.send(new GetItemCommand({ TableName: work, Key: toKey() })),
    },
    {
      ...{ action: "dynamodb:Query", resource: work, purpose },
      call: () => client.send(new QueryCommand({ ...query, KeyConditionExpression: "pk = :nobody" })),
    },
    {
      ...{ action: "dynamodb:Query", resource: `${work}/index/list`, purpose },
      call: () =>
        client.send(new QueryCommand({ ...query, IndexName: "list", KeyConditionExpression: "listKey = :nobody" })),
    },
  ];
}

function listWrites(client: DynamoDBClient, work: string): readonly DryCall[] {
  const never = { TableName: work, ConditionExpression: "attribute_exists(pk)" };
  const facts = { resource: work, purpose: WRITING };
  return [
    {
      ...{ ...facts, action: "dynamodb:PutItem" },
      call: () => client.send(new PutItemCommand({ ...never, Item: toKey() })),
    },
    {
      ...{ ...facts, action: "dynamodb:UpdateItem" },
      call: () => client.send(new UpdateItemCommand({ ...never, Key: toKey(), UpdateExpression: "REMOVE nothing" })),
    },
    {
      ...{ ...facts, action: "dynamodb:DeleteItem" },
      call: () => client.send(new DeleteItemCommand({ ...never, Key: toKey() })),
    },
  ];
}

function toKey() {
  return { pk: { S: NOBODY }, sk: { S: NOBODY } };
}
