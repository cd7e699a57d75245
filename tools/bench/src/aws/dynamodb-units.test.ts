import { expect, it } from "vitest";
import { askConsumption, type CountedRequest, toDynamodbUnits } from "./dynamodb-units.ts";

function aRequest(operation: string, body: unknown, service = "dynamodb"): CountedRequest {
  return { service, operation, body: Buffer.from(JSON.stringify(body)) };
}

const consumed = (CapacityUnits: number) => Buffer.from(JSON.stringify({ ConsumedCapacity: { CapacityUnits } }));

it("asks DynamoDB alone what was consumed", () => {
  expect(JSON.parse(askConsumption(aRequest("GetItem", { TableName: "t" })).toString())).toEqual({
    ...{ TableName: "t", ReturnConsumedCapacity: "TOTAL" },
  });
  expect(askConsumption(aRequest("SendMessage", { a: 1 }, "sqs")).toString()).toBe('{"a":1}');
  expect(askConsumption(aRequest("DescribeTable", { TableName: "t" })).toString()).toBe('{"TableName":"t"}');
});

it("tells reads from writes, and adds what is written into indexes", () => {
  expect(toDynamodbUnits(aRequest("Query", {}), consumed(0.5))).toEqual({ read: 0.5, write: 0 });
  expect(toDynamodbUnits(aRequest("PutItem", { Item: { listKey: 1, workKey: 1 } }), consumed(3))).toEqual({
    ...{ read: 0, write: 5 },
  });
  expect(toDynamodbUnits(aRequest("UpdateItem", { Names: { "#a": "sweepKey" } }), consumed(1))).toEqual({
    ...{ read: 0, write: 3 },
  });
  expect(toDynamodbUnits(aRequest("DeleteItem", {}), Buffer.from(""))).toEqual({ read: 0, write: 0 });
});

it("adds up the tables of a batch", () => {
  const answer = Buffer.from('{"ConsumedCapacity":[{"CapacityUnits":1},{"CapacityUnits":2}]}');
  expect(toDynamodbUnits(aRequest("BatchGetItem", {}), answer)).toEqual({ read: 3, write: 0 });
});
