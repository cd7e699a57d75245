import { defined, formatNames, isMap, parseJson } from "@stackyard/core";
import { parseDuration } from "@stackyard/core/machine";
import { type TSchema, Type } from "typebox";
import { Compile } from "typebox/compile";
import { readField, readText } from "./fleet-deps.ts";

/** CodePipeline's types of failures (API reference, `FailureDetails`). */
export type FailureType =
  | "JobFailed"
  | "ConfigurationError"
  | "PermissionError"
  | "RevisionOutOfSync"
  | "RevisionUnavailable"
  | "SystemUnavailable";

/** The input artifact of a job. */
interface PipelineArtifact extends ArtifactLocation {
  /** The source's revision, such as the commit; null without one. */
  readonly revision: string | null;
}

/** The decision about a job of CodePipeline. */
export type PipelineDecision =
  | { readonly kind: "reject"; readonly code: "JOB_ID_MISSING" }
  | PipelineFailure
  | { readonly kind: "continue"; readonly jobId: string; readonly runId: string }
  | {
      readonly kind: "start";
      readonly jobId: string;
      readonly artifact: PipelineArtifact;
      readonly options: UserParameters;
    };

/** Why a job cannot be done. */
interface PipelineFailure {
  readonly kind: "fail";
  readonly jobId: string;
  readonly code: "ARTIFACT_MISSING" | "ARTIFACT_AMBIGUOUS" | "USER_PARAMETERS_INVALID" | "CONTINUATION_INVALID";
  readonly type: FailureType;
  readonly message: string;
}

const JOB_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * Parses the event with which CodePipeline invokes a function. Pure. The order is: the job's id, a continuation token
 * (a job that continues no longer needs its artifact), the input artifact, the parameters. Ignores credentials in the
 * event.
 */
export function parsePipelineEvent(event: unknown, options: UserParametersOptions = {}): PipelineDecision {
  const job = readField(event, "CodePipeline.job");
  const jobId = readText(job, "id");
  if (jobId === undefined || !JOB_ID.test(jobId)) return { kind: "reject", code: "JOB_ID_MISSING" };
  const data = readField(job, "data");
  const token = readField(data, "continuationToken");
  if (token !== undefined && token !== null) return toContinuation(jobId, token);
  return toStart(jobId, data, options);
}

/** Returns the event's credentials for reading its artifact. They are never logged, stored or passed on. */
export function findArtifactCredentials(event: unknown) {
  const credentials = readField(readField(readField(event, "CodePipeline.job"), "data"), "artifactCredentials");
  const accessKeyId = readText(credentials, "accessKeyId");
  const secretAccessKey = readText(credentials, "secretAccessKey");
  const sessionToken = readText(credentials, "sessionToken");
  if (accessKeyId === undefined || secretAccessKey === undefined) return undefined;
  return { accessKeyId, secretAccessKey, ...defined({ sessionToken }) };
}

function toContinuation(jobId: string, token: unknown): PipelineDecision {
  const runId = findTokenRun(token);
  if (runId !== undefined) return { kind: "continue", jobId, runId };
  const message = "The continuation token was not issued by this action.";
  return { kind: "fail", jobId, code: "CONTINUATION_INVALID", type: "JobFailed", message };
}

function toStart(jobId: string, data: unknown, options: UserParametersOptions): PipelineDecision {
  const text = readField(readField(readField(data, "actionConfiguration"), "configuration"), "UserParameters");
  const parameters = parseUserParameters(text, options);
  const found = findInputArtifact(jobId, data, findArtifactName(parameters));
  if ("kind" in found) return found;
  if (parameters.kind === "problems") return toParameterFailure(jobId, parameters.problems);
  return { kind: "start", jobId, artifact: found, options: parameters.options };
}

/** Returns the artifact's name even if other parameters are invalid, so that the checks keep their order. */
function findArtifactName(parameters: ParsedUserParameters): string | undefined {
  return parameters.kind === "options" ? parameters.options.artifact : parameters.artifact;
}

function findInputArtifact(jobId: string, data: unknown, name: string | undefined): PipelineArtifact | PipelineFailure {
  const list = readField(data, "inputArtifacts");
  const artifacts: readonly unknown[] = Array.isArray(list) ? list : [];
  const fail = (code: PipelineFailure["code"], message: string): PipelineFailure => {
    return { kind: "fail", jobId, code, type: "ConfigurationError", message };
  };
  if (artifacts.length === 0) return fail("ARTIFACT_MISSING", "The action has no input artifact. Add one.");
  const chosen = name === undefined ? artifacts[0] : artifacts.find((each) => readText(each, "name") === name);
  if (chosen === undefined) {
    return fail(
      "ARTIFACT_AMBIGUOUS",
      `UserParameters.artifact is not an input artifact of this action. Input artifacts: ${formatNames(artifacts.map((each) => readText(each, "name") ?? "one without a name"))}.`,
    );
  }
  const place = findArtifactLocation(chosen);
  const revision = readText(chosen, "revision") ?? null;
  if (place !== undefined) return { ...place, revision };
  return fail("ARTIFACT_MISSING", "The input artifact has no usable s3Location: a bucket's name and an object's key.");
}

function toParameterFailure(jobId: string, problems: readonly ParameterProblem[]): PipelineFailure {
  const list = problems.map(({ path, message }) => `${path === "" ? "the text" : path} ${message}`).join("; ");
  const count = problems.length === 1 ? "a problem" : `${problems.length} problems`;
  const message = `UserParameters has ${count}: ${list}.`;
  return { kind: "fail", jobId, code: "USER_PARAMETERS_INVALID", type: "ConfigurationError", message };
}

/** One problem of the parameters: its JSON pointer, and what is required. */
interface ParameterProblem {
  readonly path: string;
  readonly message: string;
}

/** SSM targets instead of a selection by tag. */
interface ParameterTarget {
  readonly key: string;
  readonly values: readonly string[];
}

/** The parameters of a pipeline's action, with defaults. Durations use the format of machines: `10m`. */
export interface UserParameters {
  /** Name of the input artifact. Absent: the first. */
  readonly artifact?: string;
  readonly profile: string;
  readonly tagKey: string;
  readonly tagValues: readonly string[];
  readonly targets?: readonly ParameterTarget[];
  /** A number of instances or a share of them, such as `10%`. */
  readonly maxConcurrency: string;
  readonly maxErrors: string;
  readonly timeout: string;
  readonly deliveryTimeout: string;
  readonly ignoreUnreachable: boolean;
  readonly ignoreGone?: boolean;
  readonly allowEmpty: boolean;
  /** False if the action succeeds once everything is dispatched. */
  readonly wait: boolean;
  readonly dryRun: boolean;
}

/** The parsed parameters of an action, or all their faults. */
type ParsedUserParameters =
  | { readonly kind: "options"; readonly options: UserParameters }
  | { readonly kind: "problems"; readonly problems: readonly ParameterProblem[]; readonly artifact?: string };

/** The parameters of an empty text. */
export const DEFAULT_USER_PARAMETERS: UserParameters = {
  profile: "ansible",
  tagKey: "has_ssm_agent",
  tagValues: ["true", "True"],
  maxConcurrency: "50",
  maxErrors: "0",
  timeout: "10m",
  deliveryTimeout: "15m",
  ignoreUnreachable: false,
  allowEmpty: false,
  wait: true,
  dryRun: false,
};

/** CodePipeline API reference, `ActionConfigurationValue`: at most 1,000 characters. */
const MAX_CHARACTERS = 1_000;
const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

interface Rule {
  readonly schema: TSchema;
  /** Shown in messages after the key. */
  readonly must: string;
  readonly minMs?: number;
  readonly maxMs?: number;
}

const FLAG: Rule = { schema: Type.Boolean(), must: "be true or false" };
const Duration = Type.String({ maxLength: 12 });

/** Limits of SSM: API reference, `Target`, and `SendCommand` for `MaxConcurrency` and `MaxErrors`. */
const RULES: Readonly<Record<keyof UserParameters, Rule>> = {
  artifact: { schema: Type.String(), must: "be the name of an input artifact" },
  profile: {
    schema: Type.String({ pattern: "^[a-z][a-z0-9-]{0,62}$" }),
    must: "be the name of a profile, such as ansible or garlc-1",
  },
  tagKey: {
    schema: Type.String({ minLength: 1, maxLength: 128 }),
    must: "be a tag's key of 1 to 128 characters",
  },
  tagValues: {
    schema: Type.Array(Type.String({ maxLength: 256 }), { minItems: 1, maxItems: 50 }),
    must: "be a list of 1 to 50 tag values of at most 256 characters",
  },
  targets: {
    schema: Type.Array(
      Type.Object(
        {
          key: Type.String({
            pattern: "^(tag:.{1,159}|tag-key|InstanceIds|resource-groups:(Name|ResourceTypeFilters))$",
          }),
          values: Type.Array(Type.String({ minLength: 1, maxLength: 256 }), { minItems: 1, maxItems: 50 }),
        },
        { additionalProperties: false },
      ),
      { minItems: 1, maxItems: 5 },
    ),
    must: 'be a list of 1 to 5 of { "key", "values" }: a key such as tag:Key, tag-key or InstanceIds, of at most 163 characters, and 1 to 50 values',
  },
  maxConcurrency: {
    schema: Type.String({ pattern: "^([1-9][0-9]{0,6}|[1-9][0-9]?%|100%)$" }),
    must: "be a number of instances from 1, or 1% to 100%",
  },
  maxErrors: {
    schema: Type.String({ pattern: "^(0|[1-9][0-9]{0,6}|[0-9]%|[1-9][0-9]%|100%)$" }),
    must: "be a number from 0, or 0% to 100%",
  },
  timeout: { schema: Duration, must: "be a duration from 1s to 48h", minMs: SECOND_MS, maxMs: 48 * HOUR_MS },
  deliveryTimeout: {
    schema: Duration,
    must: "be a duration from 30s to 30d",
    minMs: 30 * SECOND_MS,
    maxMs: 30 * DAY_MS,
  },
  ignoreUnreachable: FLAG,
  ignoreGone: FLAG,
  allowEmpty: FLAG,
  wait: FLAG,
  dryRun: FLAG,
};

const CHECKS = new Map(Object.entries(RULES).map(([key, rule]) => [key, { ...rule, validator: Compile(rule.schema) }]));

/** Further facts for the parameters. */
interface UserParametersOptions {
  /** All names of profiles. Absent: any name is accepted, and the run validates it. */
  readonly profiles?: readonly string[];
}

/**
 * Parses the `UserParameters` of a pipeline's action. A missing or empty text means the defaults. Pure; lists all
 * faults, each key separately. With faults, `artifact` is included if it is a name.
 */
export function parseUserParameters(text: unknown, { profiles }: UserParametersOptions = {}): ParsedUserParameters {
  if (text === undefined || text === null || text === "") return { kind: "options", options: DEFAULT_USER_PARAMETERS };
  if (typeof text !== "string") return refuse([{ path: "", message: "must be a string with a JSON object" }]);
  const length = countCharacters(text);
  const tooLong = length > MAX_CHARACTERS ? [toLengthProblem(length)] : [];
  const given = findObject(text);
  if (given === undefined) return refuse([...tooLong, { path: "", message: "must be a JSON object" }]);
  const values = Object.entries(given).map(([key, value]): readonly [string, unknown] => [
    key,
    toPlainValue(key, value),
  ]);
  const problems = [...tooLong, ...values.flatMap(([key, value]) => findProblem(key, value, profiles))];
  if (problems.length === 0) return { kind: "options", options: toOptions(values) };
  const artifact = given["artifact"];
  return refuse(problems, typeof artifact === "string" ? artifact : undefined);
}

function refuse(problems: readonly ParameterProblem[], artifact?: string): ParsedUserParameters {
  return { kind: "problems", problems, ...defined({ artifact }) };
}

/** Counts characters as AWS does: one outside of the first plane, which JavaScript counts twice, is one. */
function countCharacters(text: string): number {
  return text.length - (text.match(/[\ud800-\udbff][\udc00-\udfff]/g)?.length ?? 0);
}

function toLengthProblem(length: number): ParameterProblem {
  return { path: "", message: `must have at most ${MAX_CHARACTERS} characters, not ${length}` };
}

function findObject(text: string): Readonly<Record<string, unknown>> | undefined {
  const value = parseJson(text);
  // Entries, so that a key `__proto__` stays a key.
  return isMap(value) ? Object.assign(Object.create(null), Object.fromEntries(Object.entries(value))) : undefined;
}

/** Converts a count to text: people write it with and without quotes. */
function toPlainValue(key: string, value: unknown): unknown {
  const isCount = key === "maxConcurrency" || key === "maxErrors";
  return isCount && typeof value === "number" && Number.isSafeInteger(value) ? String(value) : value;
}

function findProblem(
  key: string,
  value: unknown,
  profiles: readonly string[] | undefined,
): readonly ParameterProblem[] {
  const path = `/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`;
  const check = CHECKS.get(key);
  if (check === undefined) return [{ path, message: `is unknown; valid are ${[...CHECKS.keys()].join(", ")}` }];
  if (!check.validator.Check(value) || !isWithin(check, value)) return [{ path, message: `must ${check.must}` }];
  if (key !== "profile" || profiles === undefined || profiles.includes(String(value))) return [];
  return [{ path, message: `is an unknown profile; valid are ${profiles.join(", ")}` }];
}

function isWithin({ minMs, maxMs }: Rule, value: unknown): boolean {
  if (minMs === undefined || maxMs === undefined) return true;
  const ms = parseDuration(String(value));
  return ms !== undefined && ms >= minMs && ms <= maxMs;
}

/** Returns the options of values that their rules have checked. */
function toOptions(values: readonly (readonly [string, unknown])[]): UserParameters {
  return { ...DEFAULT_USER_PARAMETERS, ...(Object.fromEntries(values) as Partial<UserParameters>) };
}

/** The location of an artifact. */
export interface ArtifactLocation {
  readonly bucket: string;
  readonly key: string;
}

/** S3 user guide, "General purpose bucket naming rules". */
const BUCKET = /^(?!\d{1,3}(\.\d{1,3}){3}$)(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const CONTROL = /\p{Cc}/u;
/** S3 user guide, "Creating object key names": at most 1,024 bytes of UTF-8. */
const MAX_KEY_BYTES = 1_024;

/** Returns the `s3Location` of an input artifact, or undefined if S3 would reject the bucket or key. */
export function findArtifactLocation(artifact: unknown): ArtifactLocation | undefined {
  const place = readField(readField(artifact, "location"), "s3Location");
  const bucket = readText(place, "bucketName");
  const key = readText(place, "objectKey");
  if (bucket === undefined || key === undefined || !BUCKET.test(bucket) || !isKey(key)) return undefined;
  return { bucket, key };
}

function isKey(key: string): boolean {
  if (key === "" || key.length > MAX_KEY_BYTES || CONTROL.test(key) || !key.isWellFormed()) return false;
  return new TextEncoder().encode(key).length <= MAX_KEY_BYTES;
}

/** CodePipeline API reference, `PutJobSuccessResult`: at most 2,048 characters. */
const MAX_TOKEN = 2_048;
const RUN_ID = /^[A-Za-z0-9-]{1,64}$/;

/** Returns the token for CodePipeline's next call: a reference to the run, never its state. */
export function toContinuationToken(runId: string): string {
  return JSON.stringify({ v: 1, run: runId });
}

/** Returns the run in one of our tokens; undefined for every other text. */
export function findTokenRun(token: unknown): string | undefined {
  if (typeof token !== "string" || token.length > MAX_TOKEN) return undefined;
  const value = parseJson(token);
  if (!isMap(value) || Object.keys(value).length !== 2 || value["v"] !== 1) return undefined;
  const run = value["run"];
  return typeof run === "string" && RUN_ID.test(run) ? run : undefined;
}

const CODES: readonly (readonly [FailureType, string])[] = [
  [
    "ConfigurationError",
    `USER_PARAMETERS_INVALID CONFIG_INVALID ARTIFACT_MISSING ARTIFACT_AMBIGUOUS ARTIFACT_UNUSABLE PROFILE_UNKNOWN
     PROFILE_PLATFORM EXECUTOR_UNKNOWN PAYLOAD_TOO_LARGE TARGETS_INVALID INVALID_DOCUMENT
     INVALID_DOCUMENT_VERSION INVALID_PARAMETERS INVALID_OUTPUT_FOLDER INVALID_ROLE INVALID_NOTIFICATION_CONFIG
     MAX_DOCUMENT_SIZE_EXCEEDED UNSUPPORTED_PLATFORM_TYPE`,
  ],
  ["PermissionError", "ACCESS_DENIED ARTIFACT_ACCESS_DENIED FORBIDDEN UNAUTHENTICATED"],
  ["RevisionUnavailable", "ARTIFACT_NOT_FOUND"],
  [
    "SystemUnavailable",
    `SSM_THROTTLED AWS_UNAVAILABLE RATE_LIMITED UNREACHABLE SERVER_ERROR STORE_UNAVAILABLE STORE_LOCKED STORE_CLOSED
     FLEET_OUT_OF_TIME`,
  ],
];

const TYPES: ReadonlyMap<string, FailureType> = new Map(
  CODES.flatMap(([type, codes]) => codes.split(/\s+/).map((code): [string, FailureType] => [code, type])),
);

/** Maps one of our codes to CodePipeline's failure type. Codes without an entry are `JobFailed`. */
export function toFailureType(code: string): FailureType {
  return TYPES.get(code) ?? "JobFailed";
}
