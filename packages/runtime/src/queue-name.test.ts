import { expect, it } from "vitest";
import { toQueueName } from "./queue-name.ts";

it.each([
  "https://sqs.eu-west-1.amazonaws.com/111122223333/stack-ticks",
  "http://sqs:9324/queue/stack-ticks",
  "arn:aws:sqs:eu-west-1:111122223333:stack-ticks",
])("the name of the queue %s is its last part", (urlOrArn) => {
  expect(toQueueName(urlOrArn)).toBe("stack-ticks");
});
