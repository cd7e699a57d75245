import { findRegion, findUploadEncryption, type UploadEncryption } from "@stackyard/aws";
import { defined } from "@stackyard/core";
import {
  DynamodbVariables,
  type EngineSettings,
  EngineVariables,
  type EnvironmentVariables,
  findSealFaults,
  type GivenVariables,
  KEY_PREFIXES,
  parseEnvironment as parseVariables,
  SharedVariables,
  toEngineSettings,
  VARIABLE_FORMS,
} from "@stackyard/core/environment";
import { TelemetryVariables } from "@stackyard/telemetry";
import { type Static, Type } from "typebox";
import { findQueueSenderFaults, parseQueueSenders, type QueueSenders } from "./queue-senders.ts";

const { LOG_LEVEL, STACKYARD_S3_ENCRYPTION, STACKYARD_SEAL_KEY, STACKYARD_SEAL_KMS_KEY, YARD_NAME } =
  SharedVariables.properties;
const { bucket: BUCKET, queue: QUEUE, region: REGION } = VARIABLE_FORMS;
const ADDRESS = { pattern: "^https?://[^\\s]+$", maxLength: 2_048 };
const FOLDER = { pattern: "^(/|[A-Za-z]:[\\\\/])", maxLength: 4_096, expected: "an absolute path" };
const TEXT = { maxLength: 2_048 };

/** Returns the schema of an optional text. */
function text(description: string, form: { readonly [keyword: string]: unknown } = TEXT) {
  return Type.Optional(Type.String({ ...form, description }));
}

/**
 * Every variable that the apps read. The names of the first two groups are the predecessor's and keep their meaning.
 */
export const Variables = Type.Object({
  MACHINE_LOCATOR: Type.Optional(
    Type.Enum(["S3", "LOCAL_FS"], { description: "Where the machines are: `S3` or `LOCAL_FS`" }),
  ),
  MACHINE_S3_BUCKET: text("With `S3`: the bucket of machines", BUCKET),
  MACHINE_S3_KEY: text(
    "With `S3`: the prefix of the keys of machines, or the key of one machine. Default: the whole bucket",
  ),
  MACHINE_SPEC_DIR: text("With `LOCAL_FS`: the absolute path of the folder of machines", FOLDER),
  MACHINE_CACHE_SECONDS: Type.Integer({
    description: "How long machines are cached, in seconds",
    minimum: 0,
    maximum: 999_999_999,
    expected: "a whole number",
    default: 60,
  }),
  SQS_EVENT_QUEUE_URL: text("The queue of events; optional for a state manager in Lambda", QUEUE),
  SQS_TASK_QUEUE_URL: text("The queue of tasks", QUEUE),
  POSTGRES_CONNECTION_SECRET: text("The name or ARN of the secret of a Postgres database, in the format of RDS"),
  DYNAMODB_TABLE: DynamodbVariables.properties.DYNAMODB_TABLE,
  LOCAL_MODE: text(
    "Any text, even `false`: SQS at `http://sqs:9324`, DynamoDB at `http://dynamodb:8000` with the table `Stacks` by default, Postgres on the host `db` (user, password and database `cloudseam`)",
  ),
  SKIP_TASK_EXECUTION: text("With `LOCAL_MODE`, any text: tasks succeed without being run"),
  AWS_REGION: text("The region; Lambda sets it", REGION),
  AWS_DEFAULT_REGION: text("The region if `AWS_REGION` is not set", REGION),

  SQS_LONG_TASK_QUEUE_URL: text("The queue of tasks that take longer than a function may run", QUEUE),
  SQS_TICK_QUEUE_URL: text(
    "The queue `stack-ticks`, which delays work that is due within two minutes",
    VARIABLE_FORMS.standardQueue,
  ),
  SQS_EVENT_DEAD_LETTER_QUEUE_URL: text("The queue that receives dead-lettered events with their reasons", QUEUE),
  SQS_TASK_DEAD_LETTER_QUEUE_URL: text("The queue that receives dead-lettered task messages with their reasons", QUEUE),
  SNS_EVENT_TOPIC_ARN: text(
    "The topic in front of the queue of events; results are published there",
    VARIABLE_FORMS.topic,
  ),
  MESSAGE_BUCKET: text("The bucket of messages that are too large for a queue", BUCKET),
  MESSAGE_PREFIX: Type.String({
    ...TEXT,
    description: "The prefix of the keys of these messages",
    default: KEY_PREFIXES.messages,
  }),
  TASK_LOG_BUCKET: text(
    "The bucket of whole logs of tasks, of runners with the store, with a lifecycle rule of 7 days. Default: the database; with DynamoDB only the last 64 KiB are kept",
    BUCKET,
  ),
  TASK_LOG_PREFIX: Type.String({
    ...TEXT,
    description: "The prefix of the keys of these logs",
    default: KEY_PREFIXES.logs,
  }),
  CALENDAR_BUCKET: text("The bucket of calendars, for a task runner without the machines", BUCKET),
  CALENDAR_PREFIX: Type.String({
    ...TEXT,
    description: "The prefix of the keys of calendars",
    default: KEY_PREFIXES.calendars,
  }),
  DATABASE_URL: text(
    "The address of a Postgres database without a secret: `postgres://user:password@host:5432/database`",
    {
      pattern: "^postgres(ql)?://",
      maxLength: 4_096,
      expected: "an address such as postgres://user:password@host:5432/database",
    },
  ),
  DYNAMODB_WORK_TABLE: DynamodbVariables.properties.DYNAMODB_WORK_TABLE,
  RUNNERS_HAVE_STORE: Type.Boolean({
    description:
      "`true` if every runner that reads the task queues has the store, which claims, cancels and exclusive keys require",
    default: false,
  }),
  ...EngineVariables.properties,
  QUEUE_SENDERS: text(
    'The senders of events that the state manager knows by their `SenderId` of SQS, with their groups: a list in JSON such as `[{"id":"AROAEXAMPLE:*","groups":["release-managers"]}]`. Default: none',
    { maxLength: 262_144 },
  ),
  EXECUTORS: Type.Array(Type.String({ pattern: "^[a-z][a-z0-9-]{0,62}$" }), {
    description:
      "The executors of your own runners that machines may use, separated by commas, such as `delay,ecs`. The state manager does not know their schemas; the runner checks configs before it starts",
    maxItems: 64,
    expected: "names of executors with commas between them",
    default: [],
  }),
  TASK_CONCURRENCY: Type.Integer({
    description: "How many tasks a container runs at the same time",
    minimum: 1,
    maximum: 999,
    expected: "a whole number from 1 to 999",
    default: 4,
  }),
  TERRAFORM_BINARY: text("The program of the executor `terraform`: a name in `PATH`, such as `tofu`, or a path"),
  TERRAFORM_VERSION: text("The versions of Terraform that the runner accepts, such as `~> 1.14.0`. Default: any"),
  TERRAFORM_STATE_URL: text(
    "The Stackyard server that stores the Terraform states of configurations without a backend, such as `https://stackyard.example.org`. Needs the store",
    { ...ADDRESS, expected: "an address such as https://stackyard.example.org" },
  ),
  STACKYARD_S3_ENCRYPTION,
  STACKYARD_SEAL_KEY,
  STACKYARD_SEAL_KMS_KEY,
  STACKYARD_DISTRIBUTOR: text(
    "The name or ARN of the distributor's function, which `artifacts` of `gate` calls. Needs the store, and `lambda:InvokeFunction`",
    VARIABLE_FORMS.function,
  ),
  TASK_DATA_DIR: text(
    "A folder for Terraform providers and unsaved states, kept between tasks. Default: `stackyard` in the folder for temporary files",
    FOLDER,
  ),
  TARGET_ROLE: text("The role that tasks assume in targets without a role", {
    pattern: "^[A-Za-z0-9+=,.@_/:-]{1,2048}$",
    expected: "a role's name, path or ARN",
  }),
  TARGET_EXTERNAL_ID: text("The external id for this role", VARIABLE_FORMS.externalId),
  SESSION_TAGS: Type.Boolean({
    description:
      "`true` uses a separate session for each task in its target, with the yard, stack and task as name and tags; the roles there must allow `sts:TagSession`. `false` uses sessions of the runner",
    default: false,
  }),
  LOG_LEVEL,
  EMF_METRICS: TelemetryVariables.properties.EMF_METRICS,
  YARD_NAME,
  AWS_ENDPOINT_URL: text(
    "An address that replaces those of all AWS services, as in the AWS SDK; S3 then uses path-style URLs",
    {
      ...ADDRESS,
      expected: "an address such as http://127.0.0.1:4566",
    },
  ),
  AWS_LAMBDA_FUNCTION_NAME: text("Set by Lambda; the app then runs as a function"),
});
type Variables = Static<typeof Variables>;
type Given = GivenVariables<typeof Variables.properties>;

/** The requirements of an app. */
export interface EnvironmentNeeds {
  /** The name of the app in messages. */
  readonly app: string;
  /** Variables, and their purpose. */
  readonly required: Readonly<Partial<Record<keyof Variables, string>>>;
  readonly machines?: boolean;
  readonly store?: boolean;
}

/** Returns the queue of events as required for this purpose, unless there is a topic in front of it. */
export function requireEvents(environment: EnvironmentVariables, what: string): EnvironmentNeeds["required"] {
  return isSet(environment, "SNS_EVENT_TOPIC_ARN") ? {} : { SQS_EVENT_QUEUE_URL: what };
}

/** Returns true for a variable with a value. */
export function isSet(environment: EnvironmentVariables | undefined, name: keyof Variables): boolean {
  return (environment?.[name] ?? "") !== "";
}

/** Reads the environment. Throws one `CONFIG_INVALID` that lists everything that is wrong; it shows no values. */
export function parseEnvironment(environment: EnvironmentVariables, needs: EnvironmentNeeds): Environment {
  const { app, required, machines, store } = needs;
  const values = parseVariables(Variables, environment, {
    app,
    check: (given) => [
      ...Object.entries(required).flatMap(([name, what]) =>
        Object.hasOwn(given, name) ? [] : [`${name} is not set: ${what}.`],
      ),
      ...findEndpointFaults(environment),
      ...(machines === true ? findMachineFaults(given) : []),
      ...(store === true && toStoreChoice(given) === undefined
        ? ["No store is configured. Set DYNAMODB_TABLE or POSTGRES_CONNECTION_SECRET."]
        : []),
      ...(toRegion(given) === undefined ? ["Neither AWS_REGION nor AWS_DEFAULT_REGION is set."] : []),
      ...findQueueFaults(given),
      ...findSealFaults(given),
      ...findQueueSenderFaults(given.QUEUE_SENDERS),
    ],
  });
  return toEnvironment(values, environment);
}

function findQueueFaults({ SQS_TICK_QUEUE_URL: ticks, REFUSED_EVENTS, ...given }: Given): readonly string[] {
  // Senders of events or tasks could send ticks.
  const others = ["SQS_EVENT_QUEUE_URL", "SQS_TASK_QUEUE_URL", "SQS_LONG_TASK_QUEUE_URL"] as const;
  const same = others.filter((name) => ticks !== undefined && given[name] === ticks);
  const faults = same.map((name) => `SQS_TICK_QUEUE_URL is the queue of ${name}. Use a separate queue for ticks.`);
  if (REFUSED_EVENTS !== "redeliver" || given.SQS_EVENT_QUEUE_URL?.endsWith(".fifo") !== true) return faults;
  return [
    ...faults,
    "REFUSED_EVENTS cannot be redeliver with a FIFO queue: one event would hold up its stack. Use park or drop.",
  ];
}

function toRegion(values: Pick<Given, "AWS_REGION" | "AWS_DEFAULT_REGION" | "LOCAL_MODE">): string | undefined {
  return findRegion(values) ?? (values.LOCAL_MODE === undefined ? undefined : "us-east-1");
}

/** The queues of a yard, by URL. */
export interface Queues {
  readonly events: string | undefined;
  readonly tasks: string | undefined;
  readonly longTasks: string | undefined;
  readonly ticks: string | undefined;
  readonly eventDeadLetters: string | undefined;
  readonly taskDeadLetters: string | undefined;
}

/** The settings of an app from its environment. */
export interface Environment extends EngineSettings {
  readonly yard: string;
  readonly isLocal: boolean;
  readonly region: string | undefined;
  /** The credentials, or undefined to find them as the SDK does. */
  readonly credentials: AccessKeys | undefined;
  readonly endpoints: Endpoints;
  readonly queues: Queues;
  readonly eventTopicArn: string | undefined;
  /** Where messages are stored that are too large for a queue. */
  readonly messages: BucketPlace | undefined;
  /** The store, or undefined if the app has none. */
  readonly store: StoreChoice | undefined;
  readonly runnersHaveStore: boolean;
  /** The senders of events that the state manager recognizes. */
  readonly queueSenders: QueueSenders;
  /** Executors of runners, in addition to `terraform` and `lambda`. */
  readonly executorNames: readonly string[];
  /** The source of machines, or undefined if the app needs none. */
  readonly machines: MachineSource | undefined;
  /** The place of calendars. Default: the folder `calendars` where the machines are. Without these, a `window` stays closed. */
  readonly calendars: BucketPlace | undefined;
  /** Where whole logs of tasks are kept, instead of the store. */
  readonly taskLogs: BucketPlace | undefined;
  /** How uploads to S3 name their encryption. */
  readonly uploads: UploadEncryption | undefined;
  /** The role that tasks assume in targets without a role. */
  readonly targets: { readonly role?: string; readonly externalId?: string };
  readonly skipsTasks: boolean;
  readonly tasks: TaskSettings;
}

/** A place in S3. */
export interface BucketPlace {
  readonly bucket: string;
  /** The prefix of the keys. */
  readonly prefix: string;
}

function toEnvironment(values: Variables, environment: EnvironmentVariables): Environment {
  const { LOCAL_MODE, SKIP_TASK_EXECUTION } = values;
  const isLocal = LOCAL_MODE !== undefined;
  const queues: Queues = {
    events: values.SQS_EVENT_QUEUE_URL,
    tasks: values.SQS_TASK_QUEUE_URL,
    longTasks: values.SQS_LONG_TASK_QUEUE_URL,
    ticks: values.SQS_TICK_QUEUE_URL,
    eventDeadLetters: values.SQS_EVENT_DEAD_LETTER_QUEUE_URL,
    taskDeadLetters: values.SQS_TASK_DEAD_LETTER_QUEUE_URL,
  };
  return {
    yard: values.YARD_NAME,
    isLocal,
    region: toRegion(values),
    // Emulators accept any; without credentials the SDK would not sign.
    credentials: findAccessKeys(environment) ?? (isLocal ? LOCAL_KEYS : undefined),
    endpoints: toEndpoints(environment),
    queues,
    eventTopicArn: values.SNS_EVENT_TOPIC_ARN,
    messages: toPlace(values.MESSAGE_BUCKET, values.MESSAGE_PREFIX),
    store: toStoreChoice(values),
    runnersHaveStore: values.RUNNERS_HAVE_STORE,
    queueSenders: parseQueueSenders(values.QUEUE_SENDERS),
    executorNames: values.EXECUTORS,
    machines: toMachineSource(values),
    calendars: toPlace(values.CALENDAR_BUCKET, values.CALENDAR_PREFIX),
    ...toEngineSettings(values),
    taskLogs: toPlace(values.TASK_LOG_BUCKET, values.TASK_LOG_PREFIX),
    uploads: findUploadEncryption(environment),
    targets: defined({ role: values.TARGET_ROLE, externalId: values.TARGET_EXTERNAL_ID }),
    skipsTasks: SKIP_TASK_EXECUTION !== undefined && isLocal,
    tasks: toTaskSettings(values),
  };
}

function toPlace(bucket: string | undefined, prefix: string): BucketPlace | undefined {
  return bucket === undefined ? undefined : { bucket, prefix };
}

interface AccessKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** Returns the credentials in the variables of the SDK. */
export function findAccessKeys(values: EnvironmentVariables): AccessKeys | undefined {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN } = values;
  if (!accessKeyId || !secretAccessKey) return undefined;
  return defined({ accessKeyId, secretAccessKey, sessionToken: AWS_SESSION_TOKEN || undefined });
}

const LOCAL_KEYS: AccessKeys = { accessKeyId: "local", secretAccessKey: "local" };

/**
 * Addresses instead of the services' own: `AWS_ENDPOINT_URL` and `AWS_ENDPOINT_URL_<SERVICE>`, as the SDK reads them.
 */
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

/** Returns a message for each endpoint that is not a valid URL. */
export function findEndpointFaults(values: EnvironmentVariables): readonly string[] {
  const wrong = Object.entries(values).filter(
    ([name, value]) => NAME.test(name) && value && !/^https?:\/\/\S+$/.test(value),
  );
  return wrong.map(([name]) => `${name} must be an address such as http://127.0.0.1:4566.`);
}

/** Reads the addresses; with `LOCAL_MODE` SQS and DynamoDB have default addresses. */
export function toEndpoints(values: EnvironmentVariables): Endpoints {
  const all = values["AWS_ENDPOINT_URL"] || undefined;
  if (values["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] === "true") return { all: undefined, byService: new Map() };
  const local = values["LOCAL_MODE"] && all === undefined ? LOCAL : new Map<string, string>();
  const said = Object.entries(values).flatMap(([name, value]) => {
    const service = NAME.exec(name)?.[1];
    return service === undefined || !value ? [] : [[service, value] as const];
  });
  return { all, byService: new Map([...local, ...said]) };
}

/** Where machines are found. */
export type MachineSource =
  | { readonly kind: "s3"; readonly bucket: string; readonly prefix: string; readonly cacheMs: number }
  | { readonly kind: "folder"; readonly folder: string; readonly cacheMs: number };

function findMachineFaults({ MACHINE_LOCATOR, MACHINE_S3_BUCKET, MACHINE_SPEC_DIR }: Given): readonly string[] {
  if (MACHINE_LOCATOR === undefined) return ["MACHINE_LOCATOR is not set: it must be S3 or LOCAL_FS."];
  if (MACHINE_LOCATOR === "S3" && MACHINE_S3_BUCKET === undefined) {
    return ["MACHINE_S3_BUCKET is not set: with MACHINE_LOCATOR S3 it names the bucket."];
  }
  if (MACHINE_LOCATOR === "LOCAL_FS" && MACHINE_SPEC_DIR === undefined) {
    return ["MACHINE_SPEC_DIR is not set: with MACHINE_LOCATOR LOCAL_FS it names the folder."];
  }
  return [];
}

function toMachineSource(values: Variables): MachineSource | undefined {
  const cacheMs = values.MACHINE_CACHE_SECONDS * 1_000;
  const { MACHINE_LOCATOR, MACHINE_S3_BUCKET: bucket, MACHINE_S3_KEY: prefix = "", MACHINE_SPEC_DIR: folder } = values;
  if (MACHINE_LOCATOR === "S3" && bucket !== undefined) return { kind: "s3", bucket, prefix, cacheMs };
  if (MACHINE_LOCATOR === "LOCAL_FS" && folder !== undefined) return { kind: "folder", folder, cacheMs };
  return undefined;
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

type StoreVariable =
  | "POSTGRES_CONNECTION_SECRET"
  | "DATABASE_URL"
  | "DYNAMODB_TABLE"
  | "DYNAMODB_WORK_TABLE"
  | "LOCAL_MODE";

/** The server of the predecessor's local set-up. */
const LOCAL_DATABASE = "postgres://cloudseam:cloudseam@db:5432/cloudseam";
const LOCAL_TABLE = "Stacks";

/**
 * Chooses the store as the predecessor did: Postgres if a secret is named, else DynamoDB if a table is named or
 * `LOCAL_MODE` is set. With `LOCAL_MODE` the database is on the host `db`, whatever the secret, and missing tables are
 * created. Undefined: no store.
 */
function toStoreChoice(values: Pick<Given, StoreVariable>): StoreChoice | undefined {
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

/** The settings of running tasks. */
interface TaskSettings {
  /** The store was named, and is not only a default. */
  readonly hasStore: boolean;
  /** In a container. */
  readonly concurrency: number;
  /** The name or ARN of the function that knows where build artifacts have arrived. */
  readonly distributor: string | undefined;
  readonly terraform: { readonly binary?: string; readonly version?: string };
  /** Without any key, plans cannot be saved. */
  readonly sealKey: string | undefined;
  readonly sealKmsKeys: readonly string[];
  /** The address of the servers that store states. */
  readonly stateBackendUrl: string | undefined;
  /** The folder for data. Default: the folder for temporary files. */
  readonly dataDir: string | undefined;
  /** Tasks have separate sessions in targets, named and tagged. */
  readonly hasSessionTags: boolean;
  readonly isFunction: boolean;
}

/**
 * Returns how a runner runs tasks. With `LOCAL_MODE` alone it has no store, although a state manager then has one: the
 * predecessor's satisfier uses that variable too, and communicates only by messages.
 */
function toTaskSettings(values: Variables): TaskSettings {
  const { TERRAFORM_BINARY: binary, TERRAFORM_VERSION: version, TERRAFORM_STATE_URL: url } = values;
  const stores = [values.DYNAMODB_TABLE, values.POSTGRES_CONNECTION_SECRET, values.DATABASE_URL];
  return {
    hasStore: stores.some((store) => store !== undefined),
    concurrency: values.TASK_CONCURRENCY,
    distributor: values.STACKYARD_DISTRIBUTOR,
    terraform: defined({ binary, version }),
    sealKey: values.STACKYARD_SEAL_KEY,
    sealKmsKeys: values.STACKYARD_SEAL_KMS_KEY,
    stateBackendUrl: url === undefined ? undefined : `${url.replace(/\/$/, "")}/terraform/state`,
    dataDir: values.TASK_DATA_DIR,
    hasSessionTags: values.SESSION_TAGS,
    isFunction: values.AWS_LAMBDA_FUNCTION_NAME !== undefined,
  };
}
