import { once } from "node:events";
import { type IncomingMessage, request as sendRequest } from "node:http";
import { setImmediate } from "node:timers/promises";
import { CreateTableCommand, DynamoDBClient, PutItemCommand, waitUntilTableExists } from "@aws-sdk/client-dynamodb";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type Dynamodb, startDynamodb } from "./dynamodb.ts";

const TableName = "stacks";
const put = { TableName, Item: { id: { S: "pr-1" } } };
/** The emulator requires a signature, and does not check it. */
const HEADERS = {
  "content-type": "application/x-amz-json-1.0",
  "x-amz-target": "DynamoDB_20120810.PutItem",
  "x-amz-date": "now",
  authorization: "AWS4-HMAC-SHA256 Credential=test, SignedHeaders=host, Signature=test",
};

let dynamodb: Dynamodb;
let client: DynamoDBClient;
const thrown: unknown[] = [];
const note = (error: unknown) => void thrown.push(error);
beforeEach(async () => {
  thrown.length = 0;
  process.on("uncaughtException", note);
  dynamodb = await startDynamodb();
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  client = new DynamoDBClient({ endpoint: dynamodb.url, region: "eu-west-1", credentials, maxAttempts: 1 });
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
      KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
    }),
  );
  await waitUntilTableExists({ client, maxWaitTime: 10, minDelay: 1, maxDelay: 1 }, { TableName });
});
afterEach(() => {
  client.destroy();
  process.off("uncaughtException", note);
});

/** Sends a part of a request, and resolves with what the server has of it when it has begun. */
async function begin(part: string, length: number): Promise<IncomingMessage> {
  const begun = once(dynamodb.server, "request");
  const sent = sendRequest(dynamodb.url, { method: "POST", headers: { ...HEADERS, "content-length": length } });
  sent.on("error", () => {});
  sent.write(part);
  const [request] = await begun;
  return request;
}

it("answers a write in flight before it stops", async () => {
  const begun = once(dynamodb.server, "request");
  const answer = client.send(new PutItemCommand(put));
  const [request] = await begun;
  await once(request, "end");

  await dynamodb.stop();

  expect(await answer).toMatchObject({ $metadata: { httpStatusCode: 200 } });
});

it.each([0, 1, 2, 3, 4])("throws nothing when a caller goes at the step %i of a write", async (steps) => {
  const body = JSON.stringify(put);
  const request = await begin(body, body.length);
  await once(request, "end");
  for (let step = 0; step < steps; step += 1) await setImmediate();
  request.socket.destroy();

  await dynamodb.stop();

  expect(thrown).toEqual([]);
});

it("throws nothing when a caller goes before its request is complete", async () => {
  const body = JSON.stringify(put);
  const request = await begin(body.slice(0, 9), body.length);
  const closed = new Promise((resolve) => request.once("close", resolve));
  request.socket.destroy();
  await closed;

  await dynamodb.stop();

  expect(thrown).toEqual([]);
});

it("refuses requests when it stops", async () => {
  const { server } = dynamodb;
  const answer = { statusCode: 200, end: () => {} };

  const stopped = dynamodb.stop();
  server.emit("request", {}, answer);
  await stopped;

  expect(answer.statusCode).toBe(503);
});
