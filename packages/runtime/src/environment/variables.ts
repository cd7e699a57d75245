import { type Static, Type } from "typebox";

const ADDRESS = "^https?://[^\\s]+$";
const QUEUE = { pattern: "^https?://[^\\s/]+/[^\\s]+$", maxLength: 2_048, must: "be the URL of a queue" };
const SWITCH = { pattern: "^(true|false)$", must: "be true or false" };
const COUNT = { pattern: "^[0-9]{1,9}$", must: "be a whole number" };
const BUCKET = { pattern: "^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", must: "be the name of a bucket" };
const TABLE = {
  pattern: "^[a-zA-Z0-9_.-]{3,255}$",
  must: 'be a name of a table: 3 to 255 letters, digits, "_", "-" and "."',
};
const TEXT = { minLength: 1, maxLength: 2_048, must: "have at most 2,048 characters" };

/** A variable: what it is for, and of what form (`must`, as people are told it). */
function variable(description: string, form: { readonly must: string; readonly [keyword: string]: unknown } = TEXT) {
  return Type.Optional(Type.String({ ...form, description }));
}

/**
 * Every variable that the apps read. An empty one counts as not set. The names of the first two groups are the
 * predecessor's and keep their meaning.
 */
export const Variables = Type.Object({
  MACHINE_LOCATOR: variable("Where machines are: `S3` or `LOCAL_FS`", {
    pattern: "^(S3|LOCAL_FS)$",
    must: "be S3 or LOCAL_FS",
  }),
  MACHINE_S3_BUCKET: variable("With `S3`: the bucket of the machines", BUCKET),
  MACHINE_S3_KEY: variable("With `S3`: the prefix of their keys, or the key of one machine. Default: the whole bucket"),
  MACHINE_SPEC_DIR: variable("With `LOCAL_FS`: the folder of the machines, absolute", {
    pattern: "^(/|[A-Za-z]:[\\\\/])",
    maxLength: 4_096,
    must: "be an absolute path",
  }),
  MACHINE_CACHE_SECONDS: variable("How long a look at the machines is good. Default: 60", COUNT),
  SQS_EVENT_QUEUE_URL: variable("The queue of events; a state manager in Lambda does without", QUEUE),
  SQS_TASK_QUEUE_URL: variable("The queue of tasks", QUEUE),
  POSTGRES_CONNECTION_SECRET: variable("Name or ARN of the secret of a Postgres database, as RDS writes it"),
  DYNAMODB_TABLE: variable("The table of stacks. With `LOCAL_MODE` default: `Stacks`", TABLE),
  LOCAL_MODE: variable(
    "Any text, even `false`: SQS at `http://sqs:9324`, DynamoDB at `http://dynamodb:8000`, Postgres on the host `db` (user, password and database `cloudseam`)",
  ),
  SKIP_TASK_EXECUTION: variable("With `LOCAL_MODE`, any text: tasks are answered as done without being run"),
  AWS_REGION: variable("The region. Lambda sets it", { pattern: "^[a-z]{2,4}(-[a-z0-9]+)+$", must: "be a region" }),
  AWS_DEFAULT_REGION: variable("The region where `AWS_REGION` is not set", {
    pattern: "^[a-z]{2,4}(-[a-z0-9]+)+$",
    must: "be a region",
  }),

  SQS_LONG_TASK_QUEUE_URL: variable("The queue of tasks that do not fit a function's time", QUEUE),
  SQS_TICK_QUEUE_URL: variable("The queue `stack-ticks`, by which what is due within two minutes waits", {
    ...QUEUE,
    pattern: "^https?://[^\\s/]+/[^\\s]+(?<!\\.fifo)$",
    must: "be the URL of a standard queue: FIFO queues delay no single message",
  }),
  SQS_EVENT_DEAD_LETTER_QUEUE_URL: variable("Where events are sent that are given up, with the reason", QUEUE),
  SQS_TASK_DEAD_LETTER_QUEUE_URL: variable("Where task messages are sent that are given up, with the reason", QUEUE),
  SNS_EVENT_TOPIC_ARN: variable("The topic in front of the queue of events; results are published there", {
    pattern: "^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}(\\.fifo)?$",
    must: "be the ARN of a topic",
  }),
  MESSAGE_BUCKET: variable("The bucket of messages that are too large for a queue", BUCKET),
  MESSAGE_PREFIX: variable("The prefix of their keys. Default: `stackyard/messages/`"),
  DATABASE_URL: variable("A Postgres database without a secret: `postgres://user:password@host:5432/database`", {
    pattern: "^postgres(ql)?://",
    maxLength: 4_096,
    must: "be an address such as postgres://user:password@host:5432/database",
  }),
  DYNAMODB_WORK_TABLE: variable("The table of everything else. Default: `<DYNAMODB_TABLE>-work`", TABLE),
  RUNNERS_HAVE_STORE: variable(
    "`true` when every runner that reads the task queues has the store, so that claims, cancels and exclusive keys hold. Default: `false`",
    SWITCH,
  ),
  REFUSED_EVENTS: variable(
    "What becomes of events that a stack refuses for the present: `park` (default), `redeliver` as the predecessor (not with FIFO queues), `drop`",
    { pattern: "^(park|redeliver|drop)$", must: "be park, redeliver or drop" },
  ),
  REFUSED_EVENTS_KEEP: variable("How long a parked event is tried again, such as `90m`. Default: `1h`", {
    pattern: "^[1-9][0-9]{0,8}(ms|s|m|h|d)$",
    must: "be a duration such as 90m",
  }),
  AUTOMATIC_TRANSITIONS_PER_HOUR: variable(
    "Entries of a stack that results and timers may cause within an hour before it is stopped. Default: 1000",
    { pattern: "^[1-9][0-9]{0,8}$", must: "be a whole number above 0" },
  ),
  HISTORY_RETENTION_DAYS: variable("How long history is kept. Default: 30", {
    pattern: "^[1-9][0-9]{0,4}$",
    must: "be a whole number of days above 0",
  }),
  ALLOW_EXTERNAL_NEXT: variable("`true` lets the event `NEXT` in from outside, as the predecessor did", SWITCH),
  EXECUTORS: variable(
    "Executors of runners of your own, with commas, such as `delay,ecs`: machines may name them. The state manager does not know their schemas; the runner checks configs before it starts",
    {
      pattern: "^ *[a-z][a-z0-9-]{0,62}( *, *[a-z][a-z0-9-]{0,62}){0,63} *$",
      must: "be names of executors with commas between them",
    },
  ),
  TASK_CONCURRENCY: variable("Tasks that a container runs at a time. Default: 4", {
    pattern: "^[1-9][0-9]{0,2}$",
    must: "be a whole number from 1 to 999",
  }),
  TERRAFORM_BINARY: variable("The program of the executor `terraform`: a name in `PATH`, such as `tofu`, or a path"),
  TERRAFORM_VERSION: variable("Versions of it that may be used, such as `~> 1.14.0`. Default: any"),
  TERRAFORM_STATE_URL: variable(
    "A Stackyard server that keeps Terraform's states of configurations without a backend, such as `https://stackyard.example.org`. Needs the store",
    { pattern: ADDRESS, maxLength: 2_048, must: "be an address such as https://stackyard.example.org" },
  ),
  TASK_DATA_DIR: variable(
    "A folder that outlives tasks: Terraform's providers, and states that could not be saved. Default: `stackyard` in the folder for temporary files",
    { pattern: "^(/|[A-Za-z]:[\\\\/])", maxLength: 4_096, must: "be an absolute path" },
  ),
  TARGET_ROLE: variable("The role that tasks take in targets that name none", {
    pattern: "^[A-Za-z0-9+=,.@_/:-]{1,2048}$",
    must: "be a role's name, path or ARN",
  }),
  TARGET_EXTERNAL_ID: variable("The external id that goes with it", {
    pattern: "^[A-Za-z0-9+=,.@:/_-]{2,1224}$",
    must: "be an external id: 2 to 1,224 letters, digits and +=,.@:/_-",
  }),
  SESSION_TAGS: variable(
    "`true`: each task has sessions of its own in its target, named and tagged by yard, stack and task; roles there must allow `sts:TagSession`. Default: `false`, sessions of the runner",
    SWITCH,
  ),
  LOG_LEVEL: variable("`debug`, `info` (default), `warn` or `error`", {
    pattern: "^(debug|info|warn|error)$",
    must: "be debug, info, warn or error",
  }),
  EMF_METRICS: variable(
    "`true` writes metrics into the log in CloudWatch's embedded metric format, `false` does not. Default: `true` in Lambda and ECS",
    SWITCH,
  ),
  YARD_NAME: variable("The yard's name, in sessions of roles and in metrics. Default: `main`", {
    pattern: "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$",
    must: "be 1 to 64 letters, digits and _.-",
  }),
  AWS_ENDPOINT_URL: variable("Instead of the services' own addresses, as the SDK knows it; S3 is then used by path", {
    pattern: ADDRESS,
    must: "be an address such as http://127.0.0.1:4566",
  }),
});
export type Variables = Static<typeof Variables>;

/** The name of a variable. */
export type VariableName = keyof Variables;
