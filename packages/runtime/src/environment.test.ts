import { describe, expect, it } from "vitest";
import { type EnvironmentNeeds, parseEnvironment } from "./environment.ts";

const TASKS = "https://sqs.eu-west-1.amazonaws.com/111122223333/stack-tasks";
const least = {
  AWS_REGION: "eu-west-1",
  MACHINE_LOCATOR: "S3",
  MACHINE_S3_BUCKET: "machines",
  SQS_TASK_QUEUE_URL: TASKS,
  DYNAMODB_TABLE: "Stacks",
};
const needs: EnvironmentNeeds = {
  app: "state manager",
  required: { SQS_TASK_QUEUE_URL: "tasks are sent there" },
  machines: true,
  store: true,
};

function findFaults(values: Readonly<Record<string, string | undefined>>): readonly string[] {
  try {
    parseEnvironment(values, needs);
    return [];
  } catch (error) {
    expect(error).toMatchObject({ code: "CONFIG_INVALID" });
    return String(error).split("\n  - ").slice(1);
  }
}

describe("the environment", () => {
  it.each(["eu-west-1", "us-gov-west-1", "us-iso-east-1", "eusc-de-east-1"])("may be in %s", (region) => {
    expect(parseEnvironment({ ...least, AWS_REGION: region }, needs).region).toBe(region);
  });

  it("is read with its defaults", () => {
    expect(parseEnvironment(least, needs)).toEqual({
      yard: "main",
      isLocal: false,
      region: "eu-west-1",
      credentials: undefined,
      endpoints: { all: undefined, byService: new Map() },
      queues: {
        events: undefined,
        tasks: TASKS,
        longTasks: undefined,
        ticks: undefined,
        eventDeadLetters: undefined,
        taskDeadLetters: undefined,
      },
      eventTopicArn: undefined,
      messages: undefined,
      runnersHaveStore: false,
      targets: {},
      skipsTasks: false,
      queueSenders: [],
      executorNames: [],
      store: { kind: "dynamodb", table: "Stacks", workTable: undefined, creates: false },
      machines: { kind: "s3", bucket: "machines", prefix: "", cacheMs: 60_000 },
      engine: {
        refusedEvents: "park",
        parking: { keepMs: 3_600_000 },
        limits: { automaticEntriesPerHour: 1_000 },
        allowExternalNext: false,
      },
      retention: { historyMs: 30 * 86_400_000, auditMs: 400 * 86_400_000 },
      tasks: {
        hasStore: true,
        concurrency: 4,
        terraform: {},
        sealKey: undefined,
        sealKmsKeys: [],
        stateBackendUrl: undefined,
        dataDir: undefined,
        hasSessionTags: false,
        isFunction: false,
      },
    });
  });

  it("names the executors of a user's own runners", () => {
    expect(parseEnvironment({ ...least, EXECUTORS: "delay, ecs" }, needs).executorNames).toEqual(["delay", "ecs"]);
    expect(findFaults({ ...least, EXECUTORS: "delay;ecs" })).toEqual([
      "EXECUTORS must be names of executors with commas between them.",
    ]);
  });

  it("skips tasks only where everything is local", () => {
    const skipping = { ...least, SKIP_TASK_EXECUTION: "1" };

    expect(parseEnvironment(skipping, needs).skipsTasks).toBe(false);
    expect(parseEnvironment({ ...skipping, LOCAL_MODE: "1" }, needs).skipsTasks).toBe(true);
  });

  it("is read with everything that it may say", () => {
    const read = parseEnvironment(
      {
        ...least,
        REFUSED_EVENTS: "drop",
        REFUSED_EVENTS_KEEP: "90m",
        AUTOMATIC_TRANSITIONS_PER_HOUR: "10",
        HISTORY_RETENTION_DAYS: "7",
        ALLOW_EXTERNAL_NEXT: "true",
        RUNNERS_HAVE_STORE: "true",
        MESSAGE_BUCKET: "messages",
        TARGET_ROLE: "deployer",
        TARGET_EXTERNAL_ID: "yard-main",
        YARD_NAME: "blue",
        MACHINE_CACHE_SECONDS: "5",
        MACHINE_S3_KEY: "m/",
        DYNAMODB_WORK_TABLE: "Work",
        SKIP_TASK_EXECUTION: "1",
      },
      needs,
    );

    expect(read).toMatchObject({
      yard: "blue",
      runnersHaveStore: true,
      skipsTasks: false,
      messages: { bucket: "messages", prefix: "stackyard/messages/" },
      targets: { role: "deployer", externalId: "yard-main" },
      store: { kind: "dynamodb", workTable: "Work" },
      machines: { kind: "s3", prefix: "m/", cacheMs: 5_000 },
      engine: {
        refusedEvents: "drop",
        parking: { keepMs: 5_400_000 },
        limits: { automaticEntriesPerHour: 10 },
        allowExternalNext: true,
      },
      retention: { historyMs: 7 * 86_400_000 },
    });
  });

  it("reports all invalid values together, however many there are", () => {
    const names = [
      ...[
        "SQS_EVENT_QUEUE_URL",
        "SQS_TICK_QUEUE_URL",
        "SQS_LONG_TASK_QUEUE_URL",
        "SNS_EVENT_TOPIC_ARN",
        "DYNAMODB_TABLE",
      ],
      ...["DYNAMODB_WORK_TABLE", "REFUSED_EVENTS", "REFUSED_EVENTS_KEEP", "HISTORY_RETENTION_DAYS", "LOG_LEVEL"],
      ...["TASK_CONCURRENCY", "MACHINE_CACHE_SECONDS"],
    ];

    const faults = findFaults({ ...least, ...Object.fromEntries(names.map((name) => [name, `${name} ?`])) });

    expect(faults.map((fault) => fault.split(" ")[0]).toSorted()).toEqual(names.toSorted());
  });

  it("reports all missing variables together", () => {
    expect(findFaults({})).toEqual([
      "SQS_TASK_QUEUE_URL is not set: tasks are sent there.",
      "MACHINE_LOCATOR is not set: it must be S3 or LOCAL_FS.",
      "No store is configured. Set DYNAMODB_TABLE or POSTGRES_CONNECTION_SECRET.",
      "Neither AWS_REGION nor AWS_DEFAULT_REGION is set.",
    ]);
  });

  it.each([
    ["MACHINE_LOCATOR", "FTP", "MACHINE_LOCATOR must be S3 or LOCAL_FS."],
    ["MACHINE_S3_BUCKET", "", "MACHINE_S3_BUCKET is not set: with MACHINE_LOCATOR S3 it names the bucket."],
    ["SQS_TASK_QUEUE_URL", "stack-tasks", "SQS_TASK_QUEUE_URL must be the URL of a queue."],
    ["SQS_TICK_QUEUE_URL", `${TASKS}.fifo`, "SQS_TICK_QUEUE_URL must be the URL of a standard queue"],
    ["SNS_EVENT_TOPIC_ARN", "events", "SNS_EVENT_TOPIC_ARN must be the ARN of a topic."],
    ["DYNAMODB_TABLE", "a b", "DYNAMODB_TABLE must be the name of a table"],
    ["DATABASE_URL", "mysql://root:hunter2@db", "DATABASE_URL must be an address such as postgres://"],
    ["REFUSED_EVENTS", "ignore", "REFUSED_EVENTS must be park, redeliver or drop."],
    ["REFUSED_EVENTS_KEEP", "an hour", "REFUSED_EVENTS_KEEP must be a duration such as 90m."],
    ["AUTOMATIC_TRANSITIONS_PER_HOUR", "0", "AUTOMATIC_TRANSITIONS_PER_HOUR must be a whole number above 0."],
    ["HISTORY_RETENTION_DAYS", "-1", "HISTORY_RETENTION_DAYS must be a whole number of days above 0."],
    ["RUNNERS_HAVE_STORE", "yes", "RUNNERS_HAVE_STORE must be true or false."],
    ["ALLOW_EXTERNAL_NEXT", "1", "ALLOW_EXTERNAL_NEXT must be true or false."],
    ["QUEUE_SENDERS", "[hunter2]", "QUEUE_SENDERS is not JSON."],
    ["QUEUE_SENDERS", '[{"id":"hunter2*","groups":[]}]', "QUEUE_SENDERS.0.id must be the id of a user"],
    ["LOG_LEVEL", "loud", "LOG_LEVEL must be debug, info, warn or error."],
    ["YARD_NAME", "a b", "YARD_NAME must be 1 to 64 letters"],
    ["AWS_ENDPOINT_URL", "localhost", "AWS_ENDPOINT_URL must be an address"],
    ["AWS_ENDPOINT_URL_SQS", "localhost", "AWS_ENDPOINT_URL_SQS must be an address"],
    ["AWS_REGION", "Ireland!", "AWS_REGION must be a region such as eu-west-1."],
  ])("refuses %s = %j, without showing it", (name, value, fault) => {
    const faults = findFaults({ ...least, [name]: value });

    expect(faults).toEqual([expect.stringContaining(fault)]);
    expect(faults[0]).not.toContain("hunter2");
  });

  it("refuses to redeliver refused events in order", () => {
    const fifo = { ...least, REFUSED_EVENTS: "redeliver", SQS_EVENT_QUEUE_URL: "https://sqs/1/stack-events.fifo" };

    expect(findFaults(fifo)).toEqual([expect.stringContaining("REFUSED_EVENTS cannot be redeliver")]);
    expect(findFaults({ ...fifo, SQS_EVENT_QUEUE_URL: "https://sqs/1/stack-events" })).toEqual([]);
  });

  it("refuses ticks in a queue of events or tasks", () => {
    expect(findFaults({ ...least, SQS_TICK_QUEUE_URL: TASKS })).toEqual([
      "SQS_TICK_QUEUE_URL is the queue of SQS_TASK_QUEUE_URL. Use a separate queue for ticks.",
    ]);
  });

  it("needs neither machines nor a store where an app does without", () => {
    const read = parseEnvironment({ AWS_DEFAULT_REGION: "eu-west-1" }, { app: "task runner", required: {} });

    expect([read.store, read.machines, read.region]).toEqual([undefined, undefined, "eu-west-1"]);
  });

  it("knows calendars apart from the machines", () => {
    const bucket = "machines";
    const read = (values: Readonly<Record<string, string>>) =>
      parseEnvironment({ AWS_REGION: "eu-west-1", ...values }, { app: "task runner", required: {} });

    expect(read({ CALENDAR_BUCKET: bucket })).toMatchObject({ calendars: { bucket, prefix: "calendars/" } });
    const named = { CALENDAR_BUCKET: bucket, CALENDAR_PREFIX: "shop/calendars/" };
    expect(read(named)).toMatchObject({ calendars: { bucket, prefix: "shop/calendars/" } });
    expect(read({ CALENDAR_BUCKET: "" })).toMatchObject({ calendars: undefined });
  });

  it("takes an empty variable for one that is not set", () => {
    expect(findFaults({ ...least, SQS_TICK_QUEUE_URL: "", LOG_LEVEL: "" })).toEqual([]);
  });

  it("finds machines in a folder, which must be an absolute path", () => {
    const folder = { ...least, MACHINE_LOCATOR: "LOCAL_FS", MACHINE_S3_BUCKET: undefined };

    expect(findFaults(folder)).toEqual([expect.stringContaining("MACHINE_SPEC_DIR is not set")]);
    expect(findFaults({ ...folder, MACHINE_SPEC_DIR: "machines" })).toEqual([
      "MACHINE_SPEC_DIR must be an absolute path.",
    ]);
    expect(parseEnvironment({ ...folder, MACHINE_SPEC_DIR: "/machines" }, needs).machines).toEqual({
      kind: "folder",
      folder: "/machines",
      cacheMs: 60_000,
    });
  });

  it("provides the SDK's credentials if it contains them", () => {
    const keys = { AWS_ACCESS_KEY_ID: "AKIA", AWS_SECRET_ACCESS_KEY: "s3cret" };
    const own = { accessKeyId: "AKIA", secretAccessKey: "s3cret" };

    expect(parseEnvironment({ ...least, ...keys }, needs).credentials).toEqual(own);
    expect(parseEnvironment({ ...least, ...keys, AWS_SESSION_TOKEN: "t" }, needs).credentials).toEqual({
      ...own,
      sessionToken: "t",
    });
  });
});

describe("LOCAL_MODE", () => {
  const local = { ...least, AWS_REGION: undefined, DYNAMODB_TABLE: undefined, LOCAL_MODE: "false" };

  it("is any text: the predecessor's addresses, table, and credentials that emulators take", () => {
    expect(parseEnvironment(local, needs)).toMatchObject({
      isLocal: true,
      region: "us-east-1",
      credentials: { accessKeyId: "local", secretAccessKey: "local" },
      endpoints: {
        all: undefined,
        byService: new Map([
          ["SQS", "http://sqs:9324"],
          ["DYNAMODB", "http://dynamodb:8000"],
        ]),
      },
      store: { kind: "dynamodb", table: "Stacks", creates: true },
    });
  });

  it("has the predecessor's database on the host db, whatever the secret is, or one that is named", () => {
    const secret = { ...local, POSTGRES_CONNECTION_SECRET: "yard/db" };
    const address = "postgres://u:p@127.0.0.1:5433/yard";

    expect(parseEnvironment(secret, needs).store).toEqual({
      kind: "postgres",
      address: "postgres://cloudseam:cloudseam@db:5432/cloudseam",
    });
    expect(parseEnvironment({ ...secret, DATABASE_URL: address }, needs).store).toEqual({ kind: "postgres", address });
  });

  it("leaves an address that is said", () => {
    const said = { ...local, AWS_ENDPOINT_URL_SQS: "http://127.0.0.1:1" };

    expect(parseEnvironment(said, needs).endpoints.byService.get("SQS")).toBe("http://127.0.0.1:1");
    expect(parseEnvironment({ ...local, AWS_ENDPOINT_URL: "http://127.0.0.1:2" }, needs).endpoints).toEqual({
      all: "http://127.0.0.1:2",
      byService: new Map(),
    });
  });
});

describe("the store", () => {
  it("is a database by its secret before anything else", () => {
    const both = { ...least, POSTGRES_CONNECTION_SECRET: "yard/db", DATABASE_URL: "postgres://db/yard" };

    expect(parseEnvironment(both, needs).store).toEqual({ kind: "postgres", secretId: "yard/db" });
  });
});

describe("the tasks of a runner", () => {
  const read = (values: Readonly<Record<string, string>>) =>
    parseEnvironment({ AWS_REGION: "eu-west-1", ...values }, { app: "task runner", required: {} }).tasks;

  it("have defaults", () => {
    expect(read({})).toEqual({
      hasStore: false,
      concurrency: 4,
      terraform: {},
      sealKey: undefined,
      sealKmsKeys: [],
      stateBackendUrl: undefined,
      dataDir: undefined,
      hasSessionTags: false,
      isFunction: false,
    });
  });

  it("run as the environment says", () => {
    const values = {
      TASK_CONCURRENCY: "12",
      TERRAFORM_BINARY: "tofu",
      TERRAFORM_VERSION: "~> 1.9.0",
      TERRAFORM_STATE_URL: "https://yard.example.org/",
      STACKYARD_SEAL_KEY: "key",
      TASK_DATA_DIR: "/data",
      SESSION_TAGS: "true",
      AWS_LAMBDA_FUNCTION_NAME: "task-runner",
    };

    expect(read(values)).toEqual({
      hasStore: false,
      concurrency: 12,
      terraform: { binary: "tofu", version: "~> 1.9.0" },
      sealKmsKeys: [],
      stateBackendUrl: "https://yard.example.org/terraform/state",
      dataDir: "/data",
      isFunction: true,
      sealKey: "key",
      hasSessionTags: true,
    });
  });

  it("seal with keys of KMS, or with keys of their own", () => {
    const key = (name: string) => `arn:aws:kms:eu-west-1:111122223333:key/${name}`;
    const keys = `${key("new")}, ${key("old")}`;

    expect(read({ STACKYARD_SEAL_KMS_KEY: keys })).toMatchObject({ sealKmsKeys: [key("new"), key("old")] });
    expect(() => read({ STACKYARD_SEAL_KMS_KEY: keys, STACKYARD_SEAL_KEY: "key" })).toThrow("are both set");
    expect(() => read({ STACKYARD_SEAL_KMS_KEY: "alias/seal" })).toThrow("must be ARNs of keys");
  });

  it.each([
    [{ DYNAMODB_TABLE: "Stacks" }, true],
    [{ POSTGRES_CONNECTION_SECRET: "yard/db" }, true],
    [{ DATABASE_URL: "postgres://db" }, true],
    [{ LOCAL_MODE: "1" }, false],
  ] as const)("have a store if one is configured: %j", (values, hasStore) => {
    expect(read(values)).toMatchObject({ hasStore });
  });
});
