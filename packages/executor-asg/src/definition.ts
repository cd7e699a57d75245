import { defined, type Executor, MOST_UNWATCHED_MS, type Step } from "@stackyard/core";
import { type Static, Type } from "typebox";

const text = (maxLength: number, description?: string) =>
  Type.String({ minLength: 1, maxLength, ...defined({ description }) });
const flag = (description: string) => Type.Optional(Type.Boolean({ description }));

const Constants = Type.Object(
  {
    optInTag: Type.Optional(
      text(256, "Value of the tag `DeployWith` on images and subnets that every project may use"),
    ),
    profileRoot: Type.Optional(text(512, "Root of the paths of instance profiles, such as `/odin/`")),
    placementRoot: Type.Optional(text(200, "Root of the names of placement groups, such as `odin/`")),
    bucketPrefix: Type.Optional(text(50, "The deployer's account follows")),
    wildcard: Type.Optional(text(256, "Value of a tag, or level of a path, that matches everything, such as `_all`")),
  },
  { additionalProperties: false },
);

const Memory = Type.Object(
  {
    bucket: Type.String({ pattern: "^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", expected: "the name of a bucket" }),
    lockTable: Type.Optional(Type.String({ pattern: "^[a-zA-Z0-9_.-]{3,255}$", expected: "the name of a table" })),
    secondChannel: flag("The same document must already be in the bucket. Default: true"),
  },
  { additionalProperties: false },
);

/** A project and config in an account and region. */
const Place = Type.Object(
  {
    account: Type.String({ pattern: "^[0-9]{12}$", expected: "an account of 12 digits" }),
    region: text(30),
    project: text(255),
    config: text(255),
  },
  { additionalProperties: false },
);
/** A project and one of its configs, in an account and region. */
export type Place = Static<typeof Place>;

const Operation = Type.Union([
  Type.Literal("deploy"),
  Type.Literal("rollback"),
  Type.Literal("repair"),
  Type.Literal("retire"),
  Type.Literal("lock"),
  Type.Literal("unlock"),
]);

/** Config of a task of the executor `asg`: the document of a release, or another operation on a project and config. */
export const AsgConfig = Type.Object(
  {
    op: Type.Optional(Operation),
    release: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), {
        description: "The document. Missing `release_id`, `created_at`, account, region and hash are filled in",
      }),
    ),
    userData: Type.Optional(Type.String({ maxLength: 131_072, description: "The template. Default: empty" })),
    at: Type.Optional(Place),
    releaseId: Type.Optional(
      text(
        255,
        "`rollback`: the release to roll back; default: the running one. `retire`: the release whose kept groups are deleted. `repair`: the release to keep",
      ),
    ),
    reason: Type.Optional(text(1_000, "Of `lock`")),
    root: flag("`unlock`: also remove the deployer's own lock. Default: false"),
    force: flag("`repair`: also remove the lock of a dead release. Default: false"),
    confirm: flag("`repair`: remove what was found. Default: false"),
    uuid: Type.Optional(text(255, "`retire`: the execution whose groups were kept")),
    preset: Type.Optional(
      Type.Union([Type.Literal("stackyard"), Type.Literal("odin"), Type.Literal("step-asg-deployer")], {
        description: "Default: `stackyard`",
      }),
    ),
    constants: Type.Optional(Constants),
    memory: Type.Optional(Memory),
    queue: flag("Wait while another release of the project and config is running. Default: false: fail"),
    actor: Type.Optional(text(256, "Who deploys, for tags and history")),
    revision: Type.Optional(text(256, "The source revision, for tags and history")),
  },
  { additionalProperties: false },
);
export type AsgConfig = Static<typeof AsgConfig>;

/**
 * Progress of a suspended attempt: all that a poll knows of the polls before. The worker stores it as part of the
 * attempt. Each operation reads and writes its own other fields, such as `ReleaseProgress` of a deployment.
 */
export const AsgProgress = Type.Object({ op: Operation }, { additionalProperties: true });
export type AsgProgress = Static<typeof AsgProgress>;

/**
 * Flat, so that they can be stored in metadata: `releaseId`, `end`, `dirty`, `groups` (names, joined by commas) and
 * more.
 */
export const AsgOutputs = Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()]));
export type AsgOutputs = Static<typeof AsgOutputs>;

/** Result of a call of the executor. */
export type AsgStep = Step<AsgProgress, AsgOutputs>;

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const DEFAULT_TIMEOUT_SECONDS = 600;
const MAX_TIMEOUT_SECONDS = 172_800;
const MAX_DRAIN_SECONDS = 3_600;

/** The time for which a release waits for another one of the same project and config, in milliseconds. */
export const QUEUE_MS = 60 * MINUTE_MS;
/** Time for boot, slow start of target groups, detaching, and clean-up with all its retries, and a day of unwatched time. */
const SLACK_MS = 90 * MINUTE_MS + MOST_UNWATCHED_MS;

const LENGTHS: Readonly<Record<"rollback" | "repair" | "retire" | "lock" | "unlock", number>> = {
  rollback: 48 * 60 * MINUTE_MS + SLACK_MS,
  repair: 60 * MINUTE_MS,
  retire: 2 * 60 * MINUTE_MS,
  lock: 5 * MINUTE_MS,
  unlock: 5 * MINUTE_MS,
};

/** Definition of the executor `asg` for the engine, the validator and editors; imports no SDK. */
export const asgDefinition = {
  name: "asg",
  config: AsgConfig,
  progress: AsgProgress,
  outputs: AsgOutputs,
  resumable: true,
  showsConfig:
    "The yard stores releases in clear, and EC2 shows user data. Let the instances read the value from Parameter Store.",
  // From a halt to the end: detaching the new group, and its clean-up with all retries.
  cancelWithin: "30m",
  timeout({ op = "deploy", release = {}, queue = false }: AsgConfig): number {
    if (op !== "deploy") return LENGTHS[op];
    const timeout = clamp(release["timeout"], DEFAULT_TIMEOUT_SECONDS, MAX_TIMEOUT_SECONDS);
    const drain = clamp(release["drain_timeout"], DEFAULT_TIMEOUT_SECONDS, MAX_DRAIN_SECONDS);
    return (timeout + drain) * SECOND_MS + SLACK_MS + (queue ? QUEUE_MS : 0);
  },
  /** Releases with `queue` wait for each other in the engine; others are rejected by their lock. */
  exclusiveKey({ target }: { readonly target?: { account: string; region: string } }, config: AsgConfig) {
    if (config.queue !== true || (config.op ?? "deploy") !== "deploy") return undefined;
    const release = config.release ?? {};
    const parts = [
      release["aws_account_id"] ?? target?.account,
      release["aws_region"] ?? target?.region,
      release["project_name"],
      release["config_name"],
    ];
    return parts.map((part) => encodeURIComponent(String(part ?? ""))).join("/");
  },
} as const satisfies Pick<
  Executor,
  "name" | "config" | "progress" | "outputs" | "resumable" | "showsConfig" | "cancelWithin" | "timeout" | "exclusiveKey"
>;

function clamp(value: unknown, otherwise: number, max: number): number {
  return typeof value === "number" && value > 0 ? Math.min(value, max) : otherwise;
}
