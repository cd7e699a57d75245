import { describe, expect, it } from "vitest";
import { findYardFaults, isAwsYard } from "./parse-yards.ts";

const QUEUES = "https://sqs.eu-west-1.amazonaws.com/111122223333";
const aws = {
  type: "aws",
  region: "eu-west-1",
  profile: "production",
  role: "arn:aws:iam::111122223333:role/operators",
  externalId: "x-1",
  eventQueueUrl: `${QUEUES}/stack-events`,
  eventTopicArn: "arn:aws:sns:eu-west-1:111122223333:events",
  taskQueueUrl: `${QUEUES}/stack-tasks`,
  longTaskQueueUrl: `${QUEUES}/stack-long-tasks`,
  tickQueueUrl: `${QUEUES}/stack-ticks`,
  eventDeadLetterQueueUrl: `${QUEUES}/event-dead-letters`,
  taskDeadLetterQueueUrl: `${QUEUES}/task-dead-letters`,
  stacksTable: "Stacks",
  workTable: "Stacks-work",
  machines: { bucket: "machines", prefix: "m/" },
  messages: { bucket: "messages" },
};

describe("the yards of a configuration", () => {
  it("are servers and yards on AWS with all that they may name", () => {
    const yards = { staging: { url: "https://yard.example.org", token: "secret" }, production: aws };

    expect(findYardFaults(yards)).toEqual([]);
    expect(findYardFaults(undefined)).toEqual([]);
  });

  it("may keep state behind a secret", () => {
    const { stacksTable: _, workTable: __, ...rest } = aws;

    expect(findYardFaults({ a: { ...rest, connectionSecret: "prod/db" } })).toEqual([]);
  });

  it("may be an account alone, to deploy to", () => {
    expect(findYardFaults({ a: { type: "aws" }, b: { type: "aws", region: "eu-west-1", profile: "p" } })).toEqual([]);
    expect(findYardFaults({ a: { type: "aws", region: "eusc-de-east-1" } })).toEqual([]);
  });

  it("take values of the environment that are not set for absent ones", () => {
    expect(findYardFaults({ a: { url: "https://yard.example.org", token: undefined } })).toEqual([]);
    expect(
      findYardFaults({ a: { ...aws, profile: undefined, machines: { bucket: "machines", prefix: undefined } } }),
    ).toEqual([]);
  });

  it("tell everything that is wrong at once, each with its place", () => {
    const yards = {
      "no name": { url: "x" },
      list: [],
      silent: {},
      server: { url: "ftp://yard", token: "a b", toke: "c" },
      other: { type: "azure" },
      broken: {
        ...aws,
        region: "Ireland",
        eventQueueUrl: "stack-events",
        stackTable: "Stacks",
        machines: { prefix: 5 },
      },
      half: { type: "aws", stacksTable: "Stacks" },
    };

    expect(findYardFaults(yards)).toEqual([
      'yards.no name: a yard\'s name has 1 to 64 letters, digits, "_", "-" and ".".',
      'yards.list must be { url, token } or { type: "aws", … }.',
      'yards.silent.url is missing; a yard on AWS has type: "aws".',
      expect.stringContaining('yards.server.toke is no known key. Did you mean "token"?'),
      "yards.server.url must be an address such as https://stackyard.example.org.",
      "yards.server.token must be a token.",
      'yards.other.type must be "aws".',
      'yards.broken.stackTable is no known key. Did you mean "stacksTable"?',
      "yards.broken.region must be a region such as eu-west-1.",
      "yards.broken.eventQueueUrl must be the URL of a queue.",
      "yards.broken.machines.bucket is missing.",
      "yards.broken.machines.prefix must be the beginning of keys.",
      "yards.half.eventQueueUrl or eventTopicArn is missing.",
      "yards.half.taskQueueUrl is missing.",
      "yards.half.machines is missing.",
    ]);
  });

  it.each([
    [{ connectionSecret: "prod/db" }, "not in both"],
    [{ stacksTable: undefined, connectionSecret: "prod/db" }, "workTable goes with stacksTable"],
    [{ role: undefined }, "externalId goes with role"],
    [{ tickQueueUrl: `${QUEUES}/stack-ticks.fifo` }, "FIFO queues delay no single message"],
    [{ eventQueueUrl: `${QUEUES}/stack-events.fifo` }, "eventDeadLetterQueueUrl must be a FIFO queue"],
    [{ taskDeadLetterQueueUrl: `${QUEUES}/dead.fifo` }, "taskDeadLetterQueueUrl must be a FIFO queue"],
    [{ messages: "messages" }, "messages must be { bucket, prefix }"],
    [{ role: "operators" }, "role must be the ARN of a role"],
  ])("refuse %j", (changed, told) => {
    expect(findYardFaults({ a: { ...aws, ...changed } })).toEqual([expect.stringContaining(told)]);
  });

  it.each([[null], [[]], ["text"], [5]])("are no %j", (yards) => {
    expect(findYardFaults(yards)).toEqual(["yards must be a map of names and yards."]);
  });

  it("show no token", () => {
    expect(findYardFaults({ a: { url: "https://yard.example.org", token: "my secret" } }).join()).not.toContain(
      "my secret",
    );
  });

  it("are on AWS or servers", () => {
    expect([isAwsYard({ type: "aws" }), isAwsYard({ url: "https://yard.example.org" })]).toEqual([true, false]);
  });
});
