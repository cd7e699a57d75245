import { definePlugin } from "@stackyard/core";
import { describe, expect, it } from "vitest";
import { findYard, findYardFaults, isAwsYard, parseConfig, toLeaseMs } from "./config.ts";

describe("parseConfig", () => {
  it("takes everything that a configuration may say", () => {
    const plugin = definePlugin({ name: "p", executors: [] });
    const config = {
      machines: "machines",
      dataDir: ".stackyard",
      plugins: ["a-package", "./plugin.ts", plugin, { use: plugin, options: {} }, { use: "b" }],
      executors: { terraform: { binary: "tofu" } },
      server: { host: "127.0.0.1", port: 0, url: "https://yard.example.org/" },
      store: { type: "postgres", poolSize: 5 },
      concurrency: 2,
    };

    expect(parseConfig(config, "stackyard.config.ts")).toBe(config);
  });

  it("lists everything that is wrong at once", () => {
    const config = { machine: "x", dataDir: "", server: { port: 70_000, hots: "a" }, plugins: [5, ""], concurrency: 0 };

    expect(() => parseConfig(config, "stackyard.config.ts")).toThrow(
      expect.objectContaining({
        code: "CONFIG_INVALID",
        message: expect.stringMatching(/^stackyard\.config\.ts has 7 errors:/),
      }),
    );
    const message = catchMessage(() => parseConfig(config, "stackyard.config.ts"));
    for (const word of [
      'Did you mean "machines"',
      "dataDir",
      "server.port",
      "hots",
      "plugins[0]",
      "plugins[1]",
      "concurrency",
    ]) {
      expect(message).toContain(word);
    }
  });

  it.each([["sqlite"], ["@acme/store"], ["./store.ts"], [{ type: "postgres" }]])("takes the store %j", (store) => {
    expect(parseConfig({ store }, "x")).toEqual({ store });
  });

  it.each([[""], [5], [null], [{}], [{ type: "" }], [{ type: 5 }], [["postgres"]]])("rejects the store %j", (store) => {
    expect(() => parseConfig({ store }, "x")).toThrow('store must be "sqlite", "postgres", a package or a path');
  });

  it.each(["yard.example.org", "ftp://yard.example.org", ""])("rejects %j as the servers' address", (url) => {
    expect(() => parseConfig({ server: { url } }, "x")).toThrow("server.url");
    expect(() => parseConfig({ server: { servicesUrl: url } }, "x")).toThrow("server.servicesUrl");
  });

  it("rejects a sub-path as the servers' address, but not as the services'", () => {
    const url = "https://example.org/stackyard/";

    expect(() => parseConfig({ server: { url } }, "x")).toThrow("must not have a path");
    expect(parseConfig({ server: { servicesUrl: url } }, "x")).toEqual({ server: { servicesUrl: url } });
  });

  it("takes grants and trusted proxies", () => {
    const config = {
      server: { url: "https://yard.example.org", trustedProxies: ["10.0.0.0/8"] },
      access: { grants: [{ to: { token: "grafana" }, role: "viewer", stacks: ["web-"] }] },
    };
    expect(parseConfig(config, "x")).toEqual(config);
  });

  it.each([
    [{ access: { grants: [{ to: { token: "ci" }, role: "owner" }] } }, "access.grants.0.role"],
    [{ access: { grants: [{ to: {}, role: "viewer" }] } }, "access.grants.0.to must have exactly one of"],
    [{ access: { people: { issuer: "https://id.example.org", clientId: "a" } } }, "server.url is missing"],
    [{ access: { grant: [] } }, "access.grant"],
  ])("rejects %j", (config, message) => {
    expect(() => parseConfig(config, "x")).toThrow(message);
  });

  it.each([[undefined], [null], [[]], ["text"]])("rejects %j", (value) => {
    expect(() => parseConfig(value, "x")).toThrow("default export must be the configuration");
  });

  it("says what the name of an account may be", () => {
    for (const name of ["", "a\u0007b", "a".repeat(65)]) {
      expect(() => parseConfig({ accounts: { "111122223333": name } }, "x")).toThrow(
        "accounts.111122223333 must be a name of 1 to 64 characters in one line.",
      );
    }
  });
});

function catchMessage(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof Error) return error.message;
  }
  return "";
}

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
  logs: { bucket: "acme-logs", prefix: "blue/" },
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

  it("report every fault at once, each with its place", () => {
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
      expect.stringContaining('yards.server.toke is not a known key. Did you mean "token"?'),
      "yards.server.url must be an address such as https://stackyard.example.org.",
      "yards.server.token must be a token.",
      'yards.other.type must be "aws".',
      'yards.broken.stackTable is not a known key. Did you mean "stacksTable"?',
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
    [{ connectionSecret: "prod/db" }, "not both"],
    [{ stacksTable: undefined, connectionSecret: "prod/db" }, "workTable goes with stacksTable"],
    [{ role: undefined }, "externalId goes with role"],
    [{ tickQueueUrl: `${QUEUES}/stack-ticks.fifo` }, "FIFO queues do not delay single messages"],
    [{ eventQueueUrl: `${QUEUES}/stack-events.fifo` }, "eventDeadLetterQueueUrl must be a FIFO queue"],
    [{ taskDeadLetterQueueUrl: `${QUEUES}/dead.fifo` }, "taskDeadLetterQueueUrl must be a FIFO queue"],
    [{ messages: "messages" }, "messages must be { bucket, prefix }"],
    [{ logs: { bucket: "acme-logs", days: 7 } }, "logs.days is not a known key"],
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

const staging = { url: "https://staging.example.org" };
const file = { projectDir: "/p", path: "/p/stackyard.config.ts", config: { yards: { staging } } };

describe("a yard by its name", () => {
  it("is that of the configuration", () => {
    expect(findYard(file, "staging")).toBe(staging);
  });

  it("that is unknown is reported with the nearest name", () => {
    expect(() => findYard(file, "stagin")).toThrow(
      expect.objectContaining({
        code: "CONFIG_INVALID",
        message: 'Unknown yard "stagin" in /p/stackyard.config.ts.',
        details: { hint: 'Did you mean "staging"?' },
      }),
    );
    expect(() => findYard(file, "production")).toThrow(
      expect.objectContaining({ details: { hint: "It defines staging. Add it under `yards`." } }),
    );
  });

  it("is not a property that every object has", () => {
    expect(() => findYard(file, "constructor")).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
    expect(() => findYard({ projectDir: "/p", config: {} }, "a")).toThrow("a stackyard.config.ts");
  });
});

describe("worker.lease", () => {
  it.each([
    ["1s", 1_000],
    ["5s", 5_000],
    ["2m", 120_000],
    ["1h", 3_600_000],
  ])("takes %s", (lease, ms) => {
    expect(toLeaseMs(lease)).toBe(ms);
    expect(parseConfig({ worker: { lease } }, "stackyard.config.ts")).toEqual({ worker: { lease } });
  });

  it.each(["", "5", "999ms", "2h", "soon", "-5s"])("rejects %j and says what to write", (lease) => {
    expect(toLeaseMs(lease)).toBeUndefined();
    expect(() => parseConfig({ worker: { lease } }, "stackyard.config.ts")).toThrow(
      `worker.lease: "${lease}" must be a duration from 1s to 1h, such as 30s.`,
    );
  });

  it("reports values that are not text, and unknown keys", () => {
    expect(() => parseConfig({ worker: { lease: 5 } }, "c.ts")).toThrow("worker.lease");
    expect(() => parseConfig({ worker: { leas: "5s" } }, "c.ts")).toThrow("leas");
  });
});
