import { parseDuration } from "@stackyard/core/machine";
import { type TSchema, Type } from "typebox";
import { Compile } from "typebox/compile";

/** One fault of the parameters: where, as a JSON pointer, and what is asked for. */
export interface ParameterProblem {
  readonly path: string;
  readonly message: string;
}

/** SSM targets instead of a selection by tag. */
export interface ParameterTarget {
  readonly key: string;
  readonly values: readonly string[];
}

/** What the action of a pipeline asks for, with its defaults. Durations are written as machines write them: `10m`. */
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
  readonly allowEmpty: boolean;
  /** False: the action succeeds once everything is dispatched. */
  readonly wait: boolean;
  readonly dryRun: boolean;
}

/** What the text of an action's parameters says, or everything that is wrong with it. */
export type ParsedUserParameters =
  | { readonly kind: "options"; readonly options: UserParameters }
  | { readonly kind: "problems"; readonly problems: readonly ParameterProblem[]; readonly artifact?: string };

/** What a text without parameters asks for. */
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
  /** As people are told it, after the key. */
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
  allowEmpty: FLAG,
  wait: FLAG,
  dryRun: FLAG,
};

const CHECKS = new Map(Object.entries(RULES).map(([key, rule]) => [key, { ...rule, validator: Compile(rule.schema) }]));

/** What else is known of the parameters. */
export interface UserParametersOptions {
  /** All names of profiles that there are. Absent: any name is taken, and the run finds out. */
  readonly profiles?: readonly string[];
}

/**
 * Reads the `UserParameters` of a pipeline's action. Nothing, or an empty text, stands for the defaults. Pure; lists every
 * fault, each key being judged by itself. `artifact` comes along with the faults where it is a name.
 */
export function parseUserParameters(text: unknown, { profiles }: UserParametersOptions = {}): ParsedUserParameters {
  if (text === undefined || text === null || text === "") return { kind: "options", options: DEFAULT_USER_PARAMETERS };
  if (typeof text !== "string") return refuse([{ path: "", message: "must be a text that holds a JSON object" }]);
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
  return { kind: "problems", problems, ...(artifact === undefined ? {} : { artifact }) };
}

/** As AWS counts: a character outside of the first plane, which JavaScript counts twice, is one. */
function countCharacters(text: string): number {
  return text.length - (text.match(/[\ud800-\udbff][\udc00-\udfff]/g)?.length ?? 0);
}

function toLengthProblem(length: number): ParameterProblem {
  return { path: "", message: `must have at most ${MAX_CHARACTERS} characters, not ${length}` };
}

function findObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    // Entries, so that a key `__proto__` stays a key.
    return isObject ? Object.assign(Object.create(null), Object.fromEntries(Object.entries(value))) : undefined;
  } catch {
    return undefined;
  }
}

/** People write a count without quotes as often as with them. */
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
  if (check === undefined) return [{ path, message: `is unknown; known are ${[...CHECKS.keys()].join(", ")}` }];
  if (!check.validator.Check(value) || !isWithin(check, value)) return [{ path, message: `must ${check.must}` }];
  if (key !== "profile" || profiles === undefined || profiles.includes(String(value))) return [];
  return [{ path, message: `names no profile; there are ${profiles.join(", ")}` }];
}

function isWithin({ minMs, maxMs }: Rule, value: unknown): boolean {
  if (minMs === undefined || maxMs === undefined) return true;
  const ms = parseDuration(String(value));
  return ms !== undefined && ms >= minMs && ms <= maxMs;
}

/** Each value has been judged by its rule. */
function toOptions(values: readonly (readonly [string, unknown])[]): UserParameters {
  return { ...DEFAULT_USER_PARAMETERS, ...(Object.fromEntries(values) as Partial<UserParameters>) };
}
