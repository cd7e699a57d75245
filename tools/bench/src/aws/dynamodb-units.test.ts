import { expect, it } from "vitest";
import { askConsumption, type CountedRequest, createDynamodbUnits } from "./dynamodb-units.ts";

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
