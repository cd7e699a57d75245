import { expect, it } from "vitest";
import {
  askConsumption,
  type CountedRequest,
  createCostCounter,
  createDynamodbUnits,
  toCostTable,
} from "./aws-costs.ts";

function aRequest(operation: string, body: unknown, service = "dynamodb"): CountedRequest {
  return { service, operation, body: Buffer.from(JSON.stringify(body)) };
}

const consumed = (CapacityUnits: number) => Buffer.from(JSON.stringify({ ConsumedCapacity: { CapacityUnits } }));

it("asks DynamoDB alone what was consumed", () => {
  expect(JSON.parse(askConsumption(aRequest("GetItem", { TableName: "t" })).toString())).toEqual({
    TableName: "t",
    ReturnConsumedCapacity: "TOTAL",
  });
  expect(askConsumption(aRequest("SendMessage", { a: 1 }, "sqs")).toString()).toBe('{"a":1}');
  expect(askConsumption(aRequest("DescribeTable", { TableName: "t" })).toString()).toBe('{"TableName":"t"}');
});

it("distinguishes reads from writes", () => {
  const toUnits = createDynamodbUnits();

  expect(toUnits(aRequest("Query", {}), consumed(0.5))).toEqual({ read: 0.5, write: 0 });
  expect(toUnits(aRequest("UpdateItem", { UpdateExpression: "SET sweepAt = :at" }), consumed(1))).toEqual({
    read: 0,
    write: 3,
  });
  expect(toUnits(aRequest("DeleteItem", {}), Buffer.from(""))).toEqual({ read: 0, write: 0 });
});

it("adds what is written into indexes: an entry that stays costs nothing", () => {
  const toUnits = createDynamodbUnits();
  const put = (item: object, answer = consumed(1)) =>
    toUnits(aRequest("PutItem", { TableName: "t", Item: { id: 1, ...item } }), answer).write;
  const refusal = Buffer.from(JSON.stringify({ __type: "x#ConditionalCheckFailedException" }));

  const written = [
    put({ dueShard: 1, nextDueAt: 5 }),
    put({ dueShard: 1, nextDueAt: 5 }),
    put({ dueShard: 1, nextDueAt: 6 }, refusal),
    put({ dueShard: 1, nextDueAt: 6, listKey: 1, listAt: 1 }),
    toUnits(aRequest("DeleteItem", { TableName: "t", Key: { id: 1 } }), consumed(1)).write,
  ];

  expect(written).toEqual([2, 1, 1, 4, 3]);
});

it("adds up the tables of a batch", () => {
  const answer = Buffer.from('{"ConsumedCapacity":[{"CapacityUnits":1},{"CapacityUnits":2}]}');
  expect(createDynamodbUnits()(aRequest("BatchGetItem", {}), answer)).toEqual({ read: 3, write: 0 });
});

it("counts the billed requests between a begin and an end", () => {
  const counter = createCostCounter();
  const add = (operation: string, service: string, answer = "{}") =>
    counter.add(aRequest(operation, {}, service), Buffer.from(answer));
  add("SendMessageBatch", "sqs");
  counter.begin();
  add("SendMessageBatch", "sqs");
  add("ReceiveMessage", "sqs", '{"Messages":[{"ReceiptHandle":"r"}]}');
  // An idle queue has the first too, and only the benchmark requests the second.
  add("ReceiveMessage", "sqs");
  add("GetQueueAttributes", "sqs");
  add("ListObjectsV2", "s3");
  add("GetObject", "s3");
  add("Invoke", "lambda");
  counter.add(aRequest("PutItem", {}), consumed(2));
  const units = counter.end(7);
  add("SendMessageBatch", "sqs");

  expect(units).toEqual({
    "SQS requests": 2,
    "DynamoDB read units": 0,
    "DynamoDB write units": 2,
    "Lambda requests": 7,
    "Lambda GB-seconds, arm64": expect.closeTo(0.35),
    "S3 LIST": 1,
    "S3 GET": 1,
  });
});

it("adds up what 1,000 transitions cost", () => {
  const { rows } = toCostTable({
    scenario: "busy",
    transitions: 500,
    units: {
      "SQS requests": 2_500,
      "DynamoDB write units": 2_000,
      "DynamoDB read units": 500,
      "Lambda requests": 100,
      "Lambda GB-seconds, arm64": 5,
    },
  });

  expect(rows).toEqual([
    ["SQS requests", "5000", "0.4", "0.200"],
    ["DynamoDB write units", "4000", "0.625", "0.250"],
    ["DynamoDB read units", "1000", "0.125", "0.013"],
    ["Lambda requests", "200", "0.2", "0.004"],
    ["Lambda GB-seconds, arm64", "10", "13.3334", "0.013"],
    ["S3 GET", "0", "0.4", "0.000"],
    ["S3 LIST", "0", "5", "0.000"],
    ["total", "", "", "0.48"],
  ]);
});
