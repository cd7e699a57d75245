import { defined, type Executor, type Failed, failed, MOST_UNWATCHED_MS, type Step } from "@stackyard/core";
import { VARIABLE_FORMS } from "@stackyard/core/environment";
import { DURATION_PATTERN, parseDuration } from "@stackyard/core/machine";
import { type Static, Type } from "typebox";

const text = (maxLength: number, description?: string) =>
  Type.String({ minLength: 1, maxLength, ...defined({ description }) });
const duration = (description: string) =>
  Type.Optional(Type.String({ pattern: DURATION_PATTERN, expected: "a duration such as 30m", description }));
const instanceId = Type.String({
  pattern: "^(i-([0-9a-f]{8}|[0-9a-f]{17})|mi-[0-9a-f]{17})$",
  expected: "the id of an instance, such as i-0123456789abcdef0",
});
const flag = (description: string) => Type.Optional(Type.Boolean({ description }));
const tagValue = Type.String({ maxLength: 256 });

/** Which instances make the fleet. */
const Select = Type.Object(
  {
    tagKey: Type.Optional(text(128, "Default: `has_ssm_agent`")),
    tagValues: Type.Optional(
      Type.Array(tagValue, { minItems: 1, maxItems: 50, description: "Exactly these. Default: `true`, `True`" }),
    ),
    states: Type.Optional(Type.Array(text(32), { minItems: 1, maxItems: 6, description: "Default: `running`" })),
    platform: Type.Optional(Type.Union([Type.Literal("linux"), Type.Literal("windows"), Type.Literal("any")])),
    requireOnline: flag("Leave out instances whose agent is not online, before anything is sent. Default: false"),
  },
  { additionalProperties: false },
);

/** SSM API reference, `Target`. */
const SsmTarget = Type.Object(
  {
    key: Type.String({
      pattern: "^(tag:.{1,159}|tag-key|InstanceIds|resource-groups:(Name|ResourceTypeFilters))$",
      expected: "tag:NAME, tag-key, InstanceIds, resource-groups:Name or resource-groups:ResourceTypeFilters",
    }),
    values: Type.Array(text(256), { minItems: 1, maxItems: 50 }),
  },
  { additionalProperties: false },
);

const bucket = Type.String(VARIABLE_FORMS.bucket);

const ArtifactObject = Type.Object(
  {
    bucket,
    key: text(1_024),
    versionId: Type.Optional(text(1_024)),
    sha256: Type.Optional(
      Type.String({
        pattern: "^[0-9a-f]{64}$",
        expected: "a SHA-256 digest of 64 hexadecimal digits",
        description: "Checked on each instance",
      }),
    ),
  },
  { additionalProperties: false },
);

const Output = Type.Object(
  {
    bucket: Type.Optional(bucket),
    prefix: Type.Optional(text(450, "Default: `runs`; the run's id follows")),
    logGroup: Type.Optional(
      Type.String({ pattern: "^[.\\-_/#A-Za-z0-9]{1,512}$", expected: "the name of a log group" }),
    ),
  },
  { additionalProperties: false },
);

/** SSM API reference, `MaxConcurrency` and `MaxErrors`: 1 to 7 characters. */
const Concurrency = Type.Union([
  Type.Integer({ minimum: 1, maximum: 9_999_999 }),
  Type.String({
    pattern: "^([1-9][0-9]{0,6}|[1-9][0-9]?%|100%)$",
    expected: "a number such as 10, or a percentage such as 25%",
  }),
]);
const Errors = Type.Union([
  Type.Integer({ minimum: 0, maximum: 9_999_999 }),
  Type.String({
    pattern: "^(0|[1-9][0-9]{0,6}|[0-9]%|[1-9][0-9]%|100%)$",
    expected: "a number such as 0, or a percentage such as 10%",
  }),
]);

/** Which instances, what to send them, and how many may fail. */
export const RunCommandConfig = Type.Object(
  {
    select: Type.Optional(Select),
    targets: Type.Optional(Type.Array(SsmTarget, { minItems: 1, maxItems: 5 })),
    instanceIds: Type.Optional(Type.Array(instanceId, { minItems: 1, maxItems: 10_000, description: "Exactly these" })),
    instance: Type.Optional(instanceId),
    agentTimeout: duration("How long the agent of `instance` is waited for. Default: `10m`"),
    profile: Type.Optional(
      Type.String({
        pattern: "^[a-z][a-z0-9-]{0,62}$",
        expected: "a name of lower-case letters, digits and dashes",
        description: "Default: `ansible`",
      }),
    ),
    document: Type.Optional(
      Type.String({
        pattern: "^[A-Za-z0-9_.:/-]{3,200}$",
        expected: "the name or ARN of a document",
        description: "Instead of a profile",
      }),
    ),
    documentVersion: Type.Optional(
      Type.String({ pattern: "^(\\$DEFAULT|\\$LATEST|[1-9][0-9]{0,8})$", expected: "$DEFAULT, $LATEST or a number" }),
    ),
    parameters: Type.Optional(
      Type.Record(Type.String(), Type.Array(Type.String({ maxLength: 32_768 }), { maxItems: 1_000 }), {
        maxProperties: 64,
      }),
    ),
    artifact: Type.Optional(ArtifactObject),
    maxConcurrency: Type.Optional(Concurrency),
    maxErrors: Type.Optional(Errors),
    timeout: duration("On each instance, `1s` to `48h`. Default: `10m`"),
    deliveryTimeout: duration("Until a command reaches its instance, `30s` to `30d`. Default: `15m`"),
    targetsAbove: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000, description: "Default: 500" })),
    output: Type.Optional(Output),
    allowEmpty: flag("No instance selected is success. Default: false"),
    ignoreUnreachable: flag("Unreachable instances do not count as failures. Default: false"),
    ignoreGone: flag("Instances that are stopped or terminated meanwhile do not count as failures. Default: false"),
    wait: flag("False: success once everything is dispatched. Default: true"),
    dryRun: flag("Select and plan, send nothing. Default: false"),
    source: Type.Optional(
      Type.Union([Type.Literal("pipeline"), Type.Literal("bootstrap"), Type.Literal("command"), Type.Literal("task")]),
    ),
  },
  { additionalProperties: false },
);
export type RunCommandConfig = Static<typeof RunCommandConfig>;

/** The progress of a suspended attempt: small, because the instances are in the run's records. */
export const RunCommandProgress = Type.Object(
  {
    runId: Type.String(),
    /** Polls since something was sent last; they become rarer. */
    polls: Type.Integer(),
    /** Polls in a row that AWS did not answer. */
    outages: Type.Integer(),
    /** While it is cancelled. */
    watched: Type.Optional(Type.Object({ lookedAt: Type.Integer(), unwatchedMs: Type.Integer() })),
    /** While waiting for the agent of one instance: since when, and the number of checks. */
    agent: Type.Optional(
      Type.Object({
        since: Type.Integer(),
        polls: Type.Integer(),
        absence: Type.Optional(Type.Object({ looks: Type.Integer(), lookedAt: Type.Integer() })),
        watched: Type.Optional(Type.Object({ lookedAt: Type.Integer(), unwatchedMs: Type.Integer() })),
      }),
    ),
  },
  { additionalProperties: false },
);
export type RunCommandProgress = Static<typeof RunCommandProgress>;

/** The run's counts. `failed` counts instances that were sent to, or could not be. */
export const RunCommandOutputs = Type.Object({
  runId: Type.String(),
  selected: Type.Integer(),
  succeeded: Type.Integer(),
  failed: Type.Integer(),
  skipped: Type.Integer(),
  reportUrl: Type.String(),
});
export type RunCommandOutputs = Static<typeof RunCommandOutputs>;

/** The result of a call of the executor. */
export type RunCommandStep = Step<RunCommandProgress, RunCommandOutputs>;

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** Default time limit of a command. */
const DEFAULT_TIMEOUT_MS = 10 * MINUTE_MS;
/** Default time for a command to wait for its instance. */
const DEFAULT_DELIVERY_TIMEOUT_MS = 15 * MINUTE_MS;
/** The longest wait for the agent of an instance that has started. */
const DEFAULT_AGENT_TIMEOUT_MS = 10 * MINUTE_MS;

/** The longest wait for commands that a run has cancelled, without time in which no worker looked. */
export const CANCEL_WAIT_MS = 4 * MINUTE_MS;

/** The definition of the executor `runcommand` for engine, validator and editor; imports no SDK. */
export const runCommandDefinition = {
  name: "runcommand",
  config: RunCommandConfig,
  progress: RunCommandProgress,
  outputs: RunCommandOutputs,
  resumable: true,
  showsConfig:
    "Systems Manager stores parameters in clear and shows them. Let the document read the value from Parameter Store.",
  cancelWithin: "5m",
  // Each command has its own limit, and no one may look for a while. A fleet is processed in waves, and CodePipeline limits an action to a day.
  timeout: (config: RunCommandConfig): number => {
    const { timeout, deliveryTimeout, agentTimeout } = toLengths(config);
    const one = timeout + deliveryTimeout + 10 * MINUTE_MS;
    return MOST_UNWATCHED_MS + (config.instance === undefined ? Math.max(DAY_MS, one) : agentTimeout + one);
  },
} as const satisfies Pick<
  Executor,
  "name" | "config" | "progress" | "outputs" | "resumable" | "showsConfig" | "cancelWithin" | "timeout"
>;

/** Returns the config's durations in milliseconds, with their defaults. */
export function toLengths(config: Pick<RunCommandConfig, "timeout" | "deliveryTimeout" | "agentTimeout">) {
  return {
    timeout: parseDuration(config.timeout ?? "") ?? DEFAULT_TIMEOUT_MS,
    deliveryTimeout: parseDuration(config.deliveryTimeout ?? "") ?? DEFAULT_DELIVERY_TIMEOUT_MS,
    agentTimeout: parseDuration(config.agentTimeout ?? "") ?? DEFAULT_AGENT_TIMEOUT_MS,
  };
}

const SECOND_MS = 1_000;

type Length = "timeout" | "deliveryTimeout" | "agentTimeout";

/** API reference, SendCommand: TimeoutSeconds is 30 to 2,592,000; shell documents take 1 to 172,800 s. */
const LIMITS: readonly (readonly [key: Length, minMs: number, maxMs: number, said: string])[] = [
  ["timeout", SECOND_MS, 2 * DAY_MS, "1s to 48h"],
  ["deliveryTimeout", 30 * SECOND_MS, 30 * DAY_MS, "30s to 30d"],
  ["agentTimeout", SECOND_MS, DAY_MS, "1s to 24h"],
];

/** Returns the faults of a config that fits the schema, as the failure of the attempt. */
export function findConfigFault(config: RunCommandConfig): Failed | undefined {
  const problems = [...listLengthProblems(config), ...listChoiceProblems(config)];
  if (problems.length === 0) return undefined;
  return failed({ code: "CONFIG_INVALID", message: problems.join(" "), retryable: false });
}

function listLengthProblems(config: RunCommandConfig): readonly string[] {
  return LIMITS.flatMap(([key, minMs, maxMs, said]) => {
    const text = config[key];
    const ms = text === undefined ? minMs : parseDuration(text);
    return ms !== undefined && ms >= minMs && ms <= maxMs ? [] : [`/${key} must be ${said}, not ${text}.`];
  });
}

function listChoiceProblems(config: RunCommandConfig): readonly string[] {
  const { document, profile, parameters, documentVersion, instance, instanceIds, targets } = config;
  const ofDocument = parameters !== undefined || documentVersion !== undefined;
  return [
    ...(document !== undefined && profile !== undefined ? ["/document and /profile exclude each other."] : []),
    ...(document === undefined && ofDocument ? ["/parameters and /documentVersion need a /document."] : []),
    ...(instance !== undefined && (instanceIds ?? targets) !== undefined
      ? ["/instance goes with neither /instanceIds nor /targets."]
      : []),
  ];
}
