import { defined } from "@stackyard/core";
import type { VariableKeywords } from "@stackyard/core/environment";

/** A parameter of a template, as the console shows it. */
export interface ParameterDefinition {
  readonly group: string;
  readonly description: string;
  /** Default: `String`. */
  readonly type?: "String" | "Number" | "CommaDelimitedList";
  /** Without a default, the parameter is required. */
  readonly default?: string | number;
  readonly values?: readonly (string | number)[];
  readonly pattern?: string;
  /** The message for a value that does not match the pattern. */
  readonly constraint?: string;
  readonly min?: number;
  readonly max?: number;
}

/** Returns these parameters with their group. */
export function inGroup<const Definitions extends Readonly<Record<string, Omit<ParameterDefinition, "group">>>>(
  group: string,
  definitions: Definitions,
) {
  const grouped = Object.entries(definitions).map(([name, definition]) => [name, { group, ...definition }]);
  // The same names and definitions, each with its group.
  return Object.fromEntries(grouped) as {
    readonly [Name in keyof Definitions]: Definitions[Name] & { readonly group: string };
  };
}

/** Returns the parameter that sets a variable with a default: as its schema describes and bounds it. */
export function ofVariable(variable: VariableKeywords): Omit<ParameterDefinition, "group"> {
  const { type, description = "", expected, default: preset, pattern, ...form } = variable;
  const common = { description: `${description.replaceAll("`", "")}.`, default: String(preset) };
  if (type === "boolean") return { ...common, ...SWITCH, default: common.default };
  if (type === "integer") {
    return { ...common, type: "Number", default: Number(preset), ...defined({ min: form.minimum, max: form.maximum }) };
  }
  if (form.enum !== undefined) return { ...common, values: form.enum };
  const constraint = expected?.replace(/^./, (first) => first.toUpperCase()).concat(".");
  return { ...common, ...defined({ pattern, constraint }) };
}

/** The name of a bucket. */
export const BUCKET = { pattern: "^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", constraint: "The name of a bucket." } as const;
/** The beginning of an ARN. */
export const ARN = "arn:aws[a-z-]*";
/** Returns the form of an optional text. */
export function optional(pattern: string, constraint: string) {
  return { default: "", pattern: `^(${pattern})?$`, constraint } as const;
}
/** The key of an object. */
export const KEY = { pattern: "^[^\\s]{1,1024}$", constraint: "The key of an object." } as const;
/** The version of that object. */
export const CODE_VERSION = {
  group: "Code",
  description: "Version of this object. Empty: the newest at the time of the deployment.",
  default: "",
  pattern: "^[^\\s]{0,1024}$",
} as const;
/** A number, or empty. */
export const COUNT = optional("[1-9][0-9]{0,4}", "A number above 0, or nothing.");
/** The name of a table, or empty. */
export const TABLE = optional("[a-zA-Z0-9_.-]{3,255}", "The name of a table, or nothing.");
/** Prefix of keys, or empty. */
export const PREFIX = {
  default: "",
  pattern: "^[^\\s*?]{0,512}$",
  constraint: "Without spaces, * and ?.",
} as const;
/** Texts separated by commas, or empty. */
export const LIST = { type: "CommaDelimitedList", default: "" } as const;
/** The ARN of a queue. */
export const QUEUE_ARN = `${ARN}:sqs:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,80}(\\.fifo)?`;
/** The address of an image, or empty. */
export const IMAGE = optional("[a-z0-9][^\\s]{0,499}", "The address of an image, or nothing.");
/** An address, or empty. */
export const ADDRESS = optional("https?://[^\\s]{1,2000}", "An address such as https://example.org, or nothing.");
/** Returns the form of account ids separated by commas, at most `count`, or empty. */
export function accountsUpTo(count: number) {
  const more = count - 1;
  return optional(`[0-9]{12}(,[0-9]{12}){0,${more}}`, `Numbers of accounts by commas, at most ${count}, or nothing.`);
}
/** A switch that is off by default. */
export const SWITCH = { default: "false", values: ["true", "false"] } as const;
/** The name of a bucket, or empty. */
export const BUCKET_OR_NOTHING = optional(BUCKET.pattern.slice(1, -1), "The name of a bucket, or nothing.");
/** Prefix of the name of a bucket. With account and region appended, the name has at most 63 characters. */
export const BUCKET_PREFIX = {
  pattern: "^[a-z0-9][a-z0-9-]{0,33}$",
  constraint: "1 to 34 small letters, digits and -.",
} as const;
/** The ARN of a key, or empty. */
export const KEY_ARN = optional(`${ARN}:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+`, "The ARN of a key, or nothing.");
/** How uploads name their encryption, or empty. */
export const UPLOAD_ENCRYPTION = optional(
  `AES256|aws:kms|${ARN}:kms:[a-z0-9-]+:[0-9]{12}:(key|alias)/[A-Za-z0-9/_-]+`,
  "AES256, aws:kms, the ARN of a key, or nothing.",
);
