import { expect, it } from "vitest";
import { NO_USE } from "./aws-prices.ts";
import type { CountedRequest } from "./dynamodb-units.ts";
import { createRequestLog } from "./request-log.ts";

function aRequest(service: string, operation: string): CountedRequest {
  return { service, operation, body: Buffer.from("{}") };
}

const nothing = Buffer.from("{}");

it("counts requests between a start and an end", () => {
  const log = createRequestLog();
  const one = () => log.add(aRequest("sqs", "SendMessageBatch"), nothing);
  one();
  log.begin();
  one();
  one();
  log.add(aRequest("s3", "ListObjectsV2"), nothing);
  log.add(aRequest("s3", "GetObject"), nothing);
  log.add(aRequest("dynamodb", "PutItem"), Buffer.from('{"ConsumedCapacity":{"CapacityUnits":2}}'));
  log.add(aRequest("lambda", "Invoke"), nothing);
  log.end(7);
  one();

  expect(log.use).toEqual({ ...NO_USE, queue: 2, list: 1, get: 1, write: 2, invocation: 7 });
  expect([...log.counts]).toEqual([
    ...[
      ["sqs.SendMessageBatch", 2],
      ["s3.ListObjectsV2", 1],
      ["s3.GetObject", 1],
    ],
    ...[
      ["dynamodb.PutItem", 1],
      ["lambda.Invoke", 1],
    ],
  ]);
});

it("leaves out what an idle queue has too, and what only the benchmark asks", () => {
  const log = createRequestLog();
  log.begin();
  log.add(aRequest("sqs", "ReceiveMessage"), nothing);
  log.add(aRequest("sqs", "GetQueueAttributes"), nothing);
  log.add(aRequest("sqs", "ReceiveMessage"), Buffer.from('{"Messages":[{"ReceiptHandle":"r"}]}'));

  expect(log.use).toEqual({ ...NO_USE, queue: 1 });
});
