import { defined, StackyardError } from "@stackyard/core";
import { parseDuration } from "@stackyard/core/machine";
import { Compile } from "typebox/compile";
import type { EnvironmentVariables } from "../app.ts";
import { type VariableName, Variables } from "./variables.ts";

/** What an app knows from its environment. */
export interface Environment {
  readonly yard: string;
  /** `LOCAL_MODE`. */
  readonly isLocal: boolean;
  readonly region: string | undefined;
  /** As `AWS_ACCESS_KEY_ID` and its companions say. Undefined: as the SDK finds them. */
  readonly credentials:
    | { readonly accessKeyId: string; readonly secretAccessKey: string; sessionToken?: string }
    | undefined;
  readonly endpoints: Endpoints;
  readonly queues: {
    readonly events: string | undefined;
    readonly tasks: string | undefined;
    readonly longTasks: string | undefined;
    readonly ticks: string | undefined;
    readonly eventDeadLetters: string | undefined;
    readonly taskDeadLetters: string | undefined;
  };
  readonly eventTopicArn: string | undefined;
  /** Where messages lie that are too large for a queue. */
  readonly messages: { readonly bucket: string; readonly prefix: string } | undefined;
  /** Undefined: the app has no store. */
  readonly store: StoreChoice | undefined;
  readonly runnersHaveStore: boolean;
  /** Of runners, beside `terraform` and `lambda`. */
  readonly executorNames: readonly string[];
  /** Undefined: the app needs no machines. */
  readonly machines: MachineSource | undefined;
  readonly engine: {
    readonly refusedEvents: "park" | "redeliver" | "drop";
    readonly refusedKeepMs: number;
    readonly automaticEntriesPerHour: number;
    readonly historyMs: number;
    readonly allowExternalNext: boolean;
  };
  readonly targets: { readonly role?: string; readonly externalId?: string };
  /** `SKIP_TASK_EXECUTION` with `LOCAL_MODE`. */
  readonly skipsTasks: boolean;
  readonly tasks: TaskSettings;
}

/** What an app cannot do without, with what it is told when that is missing. */
export interface EnvironmentNeeds {
  /** Of `@stackyard/runtime`'s apps, as people are told. */
  readonly app: string;
  /** Variables and what they are for. */
  readonly required: Readonly<Partial<Record<VariableName, string>>>;
  readonly machines?: boolean;
  readonly store?: boolean;
}

const variables = Compile(Variables);
const DAY_MS = 86_400_000;

/** Reads the environment. Throws one `CONFIG_INVALID` that lists everything that is wrong; it shows no values. */
export function parseEnvironment(given: EnvironmentVariables, needs: EnvironmentNeeds): Environment {
  const values = withoutEmpty(given);
  const faults = findFaults(values, needs);
  if (faults.length === 0) return toEnvironment(values);
  const list = faults.map((fault) => `\n  - ${fault}`).join("");
  const count = faults.length === 1 ? "an error" : `${faults.length} errors`;
  throw new StackyardError("CONFIG_INVALID", `The environment of the ${needs.app} has ${count}:${list}`, {
    details: { faults },
  });
}

type Values = Variables & Readonly<Record<string, string | undefined>>;

function withoutEmpty(given: EnvironmentVariables): Values {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined && value !== ""));
}

function findFaults(values: Values, { required, machines, store }: EnvironmentNeeds): readonly string[] {
  const missing = Object.entries(required).filter(([name]) => values[name] === undefined);
  return [
    ...missing.map(([name, what]) => `${name} is not set: ${what}.`),
    ...findFormFaults(values),
    ...findEndpointFaults(values),
    ...(machines === true ? toMachineSource(values).faults : []),
    ...(store === true && toStoreChoice(values) === undefined
      ? ["There is no backing store: set DYNAMODB_TABLE, or POSTGRES_CONNECTION_SECRET."]
      : []),
    ...(toRegion(values) === undefined ? ["AWS_REGION is not set, and AWS_DEFAULT_REGION is not either."] : []),
    ...findRefusalFaults(values),
    ...findQueueFaults(values),
  ];
}

function findFormFaults(values: Values): readonly string[] {
  if (variables.Check(values)) return [];
  // One by one: a validator of the whole stops at its eighth error.
  const wrong = Object.entries(Variables.properties).filter(([name, schema]) => {
    return values[name] !== undefined && !Compile(schema).Check(values[name]);
  });
  return wrong.map(([name]) => `${name} must ${tellForm(name)}.`);
}

function tellForm(name: string): string {
  const schema: unknown = Object.entries(Variables.properties).find(([key]) => key === name)?.[1];
  const isTold = typeof schema === "object" && schema !== null && "must" in schema;
  return isTold ? String(schema.must) : "be of another form";
}

/** A queue must not be shared: senders of events or tasks could send ticks. */
function findQueueFaults({ SQS_TICK_QUEUE_URL: ticks, ...values }: Values): readonly string[] {
  const others = ["SQS_EVENT_QUEUE_URL", "SQS_TASK_QUEUE_URL", "SQS_LONG_TASK_QUEUE_URL"] as const;
  const same = others.filter((name) => ticks !== undefined && values[name] === ticks);
  return same.map((name) => `SQS_TICK_QUEUE_URL is the queue of ${name}: ticks need one of their own.`);
}

function findRefusalFaults({ REFUSED_EVENTS, SQS_EVENT_QUEUE_URL }: Values): readonly string[] {
  if (REFUSED_EVENTS !== "redeliver" || SQS_EVENT_QUEUE_URL?.endsWith(".fifo") !== true) return [];
  return ["REFUSED_EVENTS cannot be redeliver with a FIFO queue: one event would hold up its stack. Use park or drop."];
}

function toRegion({ AWS_REGION, AWS_DEFAULT_REGION, LOCAL_MODE }: Values): string | undefined {
  return AWS_REGION ?? AWS_DEFAULT_REGION ?? (LOCAL_MODE === undefined ? undefined : "us-east-1");
}

function toEnvironment(values: Values): Environment {
  const { MESSAGE_BUCKET, MESSAGE_PREFIX = "stackyard/messages/" } = values;
  return {
    yard: values.YARD_NAME ?? "main",
    isLocal: values.LOCAL_MODE !== undefined,
    region: toRegion(values),
    credentials: toCredentials(values),
    endpoints: toEndpoints(values),
    queues: toQueues(values),
    eventTopicArn: values.SNS_EVENT_TOPIC_ARN,
    messages: MESSAGE_BUCKET === undefined ? undefined : { bucket: MESSAGE_BUCKET, prefix: MESSAGE_PREFIX },
    store: toStoreChoice(values),
    runnersHaveStore: values.RUNNERS_HAVE_STORE === "true",
    executorNames: values.EXECUTORS?.split(",").map((name) => name.trim()) ?? [],
    machines: toMachineSource(values).source,
    engine: toEngine(values),
    targets: defined({ role: values.TARGET_ROLE, externalId: values.TARGET_EXTERNAL_ID }),
    skipsTasks: values.SKIP_TASK_EXECUTION !== undefined && values.LOCAL_MODE !== undefined,
    tasks: toTaskSettings(values),
  };
}

function toQueues(values: Values): Environment["queues"] {
  return {
    events: values.SQS_EVENT_QUEUE_URL,
    tasks: values.SQS_TASK_QUEUE_URL,
    longTasks: values.SQS_LONG_TASK_QUEUE_URL,
    ticks: values.SQS_TICK_QUEUE_URL,
    eventDeadLetters: values.SQS_EVENT_DEAD_LETTER_QUEUE_URL,
    taskDeadLetters: values.SQS_TASK_DEAD_LETTER_QUEUE_URL,
  };
}

function toEngine(values: Values): Environment["engine"] {
  const { REFUSED_EVENTS = "park", REFUSED_EVENTS_KEEP = "1h" } = values;
  return {
    // The schema leaves these three.
    refusedEvents: REFUSED_EVENTS === "redeliver" || REFUSED_EVENTS === "drop" ? REFUSED_EVENTS : "park",
    refusedKeepMs: parseDuration(REFUSED_EVENTS_KEEP) ?? 3_600_000,
    automaticEntriesPerHour: Number(values.AUTOMATIC_TRANSITIONS_PER_HOUR ?? 1_000),
    historyMs: Number(values.HISTORY_RETENTION_DAYS ?? 30) * DAY_MS,
    allowExternalNext: values.ALLOW_EXTERNAL_NEXT === "true",
  };
}

/** Returns the credentials in the variables of the SDK. */
export function findAccessKeys(values: EnvironmentVariables): Environment["credentials"] {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN } = values;
  if (!accessKeyId || !secretAccessKey) return undefined;
  return defined({ accessKeyId, secretAccessKey, sessionToken: AWS_SESSION_TOKEN || undefined });
}

function toCredentials(values: Values): Environment["credentials"] {
  const keys = findAccessKeys(values);
  if (keys !== undefined) return keys;
  // Emulators take any; without some the SDK would not sign.
  return values.LOCAL_MODE === undefined ? undefined : { accessKeyId: "local", secretAccessKey: "local" };
}

/** Addresses instead of the services' own: `AWS_ENDPOINT_URL` and `AWS_ENDPOINT_URL_<SERVICE>`, as the SDK reads them. */
export interface Endpoints {
  readonly all: string | undefined;
  /** By the last part of the variable's name, such as `SQS` or `SECRETS_MANAGER`. */
  readonly byService: ReadonlyMap<string, string>;
}

const NAME = /^AWS_ENDPOINT_URL_([A-Z0-9_]+)$/;
/** Where the predecessor's local set-up had them. */
const LOCAL = new Map([
  ["SQS", "http://sqs:9324"],
  ["DYNAMODB", "http://dynamodb:8000"],
]);

/** What is no address. */
export function findEndpointFaults(values: EnvironmentVariables): readonly string[] {
  const wrong = Object.entries(values).filter(
    ([name, value]) => NAME.test(name) && value !== undefined && !/^https?:\/\/\S+$/.test(value),
  );
  return wrong.map(([name]) => `${name} must be an address such as http://127.0.0.1:4566.`);
}

/** Reads the addresses; with `LOCAL_MODE` SQS and DynamoDB have one where none is said. */
export function toEndpoints(values: EnvironmentVariables): Endpoints {
  const { AWS_ENDPOINT_URL: all, LOCAL_MODE, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: ignored } = values;
  if (ignored === "true") return { all: undefined, byService: new Map() };
  const local = LOCAL_MODE !== undefined && all === undefined ? LOCAL : new Map<string, string>();
  const said = Object.entries(values).flatMap(([name, value]) => {
    const service = NAME.exec(name)?.[1];
    return service === undefined || value === undefined ? [] : [[service, value] as const];
  });
  return { all, byService: new Map([...local, ...said]) };
}

/** Where machines are found. */
export type MachineSource =
  | { readonly kind: "s3"; readonly bucket: string; readonly prefix: string; readonly cacheMs: number }
  | { readonly kind: "folder"; readonly folder: string; readonly cacheMs: number };

/** Where the environment says that machines are, and what it lacks for that. */
export function toMachineSource(values: Variables): {
  readonly source: MachineSource | undefined;
  readonly faults: readonly string[];
} {
  const cacheMs = Number(values.MACHINE_CACHE_SECONDS ?? 60) * 1_000;
  const { MACHINE_LOCATOR, MACHINE_S3_BUCKET: bucket, MACHINE_S3_KEY: prefix = "", MACHINE_SPEC_DIR: folder } = values;
  if (MACHINE_LOCATOR === "S3") {
    if (bucket !== undefined) return { source: { kind: "s3", bucket, prefix, cacheMs }, faults: [] };
    return {
      source: undefined,
      faults: ["MACHINE_S3_BUCKET is not set: with MACHINE_LOCATOR S3 it names the bucket."],
    };
  }
  if (MACHINE_LOCATOR === "LOCAL_FS") {
    if (folder !== undefined) return { source: { kind: "folder", folder, cacheMs }, faults: [] };
    return {
      source: undefined,
      faults: ["MACHINE_SPEC_DIR is not set: with MACHINE_LOCATOR LOCAL_FS it names the folder."],
    };
  }
  // The schema reports other types.
  const faults = MACHINE_LOCATOR === undefined ? ["MACHINE_LOCATOR is not set: it must be S3 or LOCAL_FS."] : [];
  return { source: undefined, faults };
}

/** Which store a yard has. */
export type StoreChoice =
  | {
      readonly kind: "dynamodb";
      readonly table: string;
      readonly workTable: string | undefined;
      readonly creates: boolean;
    }
  | { readonly kind: "postgres"; readonly secretId: string }
  | { readonly kind: "postgres"; readonly address: string };

/** The server of the predecessor's local set-up. */
const LOCAL_DATABASE = "postgres://cloudseam:cloudseam@db:5432/cloudseam";
const LOCAL_TABLE = "Stacks";

/**
 * As the predecessor chose: Postgres where a secret is named, else DynamoDB where a table is named or `LOCAL_MODE` is set.
 * There a database lies on the host `db`, whatever the secret is, and absent tables are made. Undefined: none.
 */
export function toStoreChoice(values: Variables): StoreChoice | undefined {
  const { POSTGRES_CONNECTION_SECRET: secretId, DATABASE_URL, DYNAMODB_TABLE, LOCAL_MODE } = values;
  const isLocal = LOCAL_MODE !== undefined;
  if (secretId !== undefined && !isLocal) return { kind: "postgres", secretId };
  if (secretId !== undefined || DATABASE_URL !== undefined) {
    return { kind: "postgres", address: DATABASE_URL ?? LOCAL_DATABASE };
  }
  const table = DYNAMODB_TABLE ?? (isLocal ? LOCAL_TABLE : undefined);
  if (table === undefined) return undefined;
  return { kind: "dynamodb", table, workTable: values.DYNAMODB_WORK_TABLE, creates: isLocal };
}

/** How a runner runs tasks. */
export interface TaskSettings {
  /** The store was named, and is not only a default. */
  readonly hasStore: boolean;
  /** In a container. */
  readonly concurrency: number;
  readonly terraform: { readonly binary?: string; readonly version?: string };
  /** Of the servers that keep states. */
  readonly stateBackendUrl: string | undefined;
  /** Undefined: in the folder for temporary files. */
  readonly dataDir: string | undefined;
  /** Tasks have sessions of their own in targets, named and tagged. */
  readonly hasSessionTags: boolean;
  /** A function of Lambda. */
  readonly isFunction: boolean;
}

/**
 * What a runner is told. With `LOCAL_MODE` alone it has no store, though a state manager then has one: the predecessor's
 * satisfier knows that variable too, and works by message.
 */
export function toTaskSettings(values: Values): TaskSettings {
  const { TERRAFORM_BINARY: binary, TERRAFORM_VERSION: version, TERRAFORM_STATE_URL: url } = values;
  const stores = [values.DYNAMODB_TABLE, values.POSTGRES_CONNECTION_SECRET, values.DATABASE_URL];
  return {
    hasStore: stores.some((store) => store !== undefined),
    concurrency: Number(values.TASK_CONCURRENCY ?? 4),
    terraform: defined({ binary, version }),
    stateBackendUrl: url === undefined ? undefined : `${url.replace(/\/$/, "")}/terraform/state`,
    dataDir: values.TASK_DATA_DIR,
    hasSessionTags: values.SESSION_TAGS === "true",
    isFunction: values["AWS_LAMBDA_FUNCTION_NAME"] !== undefined,
  };
}
