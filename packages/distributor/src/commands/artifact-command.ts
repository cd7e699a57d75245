import type { LambdaClient } from "@aws-sdk/client-lambda";
import type { S3Client } from "@aws-sdk/client-s3";
import { findEmulator, findRegion, toArnPart } from "@stackyard/aws";
import {
  type AccountNames,
  type Clock,
  type Command,
  type CommandOutput,
  optionalFlag,
  optionalInteger,
  optionalText,
  type PluginCommand,
  type PluginCommandContext,
  StackyardError,
  withContext,
} from "@stackyard/core";
import { readEnvironment, SharedVariables, VARIABLE_FORMS } from "@stackyard/core/environment";
import { ARTIFACT_NAME, ARTIFACT_VERSION, type CallDistributor } from "@stackyard/sdk/artifacts";
import { toCell } from "@stackyard/sdk/commands";
import { type Static, Type } from "typebox";

/** Region and credentials for AWS calls. */
export interface AwsPlace {
  /** Default: the SDK's default region. */
  readonly region?: string;
  /** ARN of a role to assume. Default: the user's own credentials. */
  readonly role?: string;
  readonly externalId?: string;
  /** True for path-style S3 URLs, for emulators. Default: the SDK's default. */
  readonly pathStyle?: boolean;
}

/** AWS clients of one region and account. */
export interface ArtifactAws {
  readonly s3: S3Client;
  readonly lambda: LambdaClient;
}

/** Dependencies of the artifact commands. Tests provide their own. */
export interface ArtifactCommandDeps {
  readonly clock: Clock;
  openAws(place: AwsPlace): Promise<ArtifactAws>;
  /** Opens a distributor by the name or ARN of its function. */
  openDistributor(place: DistributorPlace): Promise<CallDistributor>;
  /** Returns the width of the terminal; undefined without a terminal. */
  columns(): number | undefined;
  /** Interval between two coverage requests. Default: 5 s. */
  readonly pollMs?: number;
}

/** A distributor function and its region. */
export interface DistributorPlace {
  readonly functionName: string;
  readonly region?: string;
  readonly signal: AbortSignal;
}

/** The context of an artifact command. */
export interface ArtifactContext extends ArtifactCommandDeps {
  readonly out: CommandOutput;
  /** Base of relative paths. */
  readonly cwd: string;
  readonly environment: PluginCommandContext["environment"];
  readonly accounts: AccountNames;
  readonly signal: AbortSignal;
}

/** Returns an artifact command as a command of a plugin. */
export function withArtifacts(command: Command<ArtifactContext>, deps: ArtifactCommandDeps): PluginCommand {
  return withContext(command, ({ out, cwd, environment, accounts = {}, signal }: PluginCommandContext) => {
    const style = findEmulator(environment, "S3") === undefined ? {} : { pathStyle: true };
    const openAws: ArtifactCommandDeps["openAws"] = (place) => deps.openAws({ ...place, ...style });
    return { ...deps, openAws, out, cwd, environment, accounts, signal };
  });
}

const WORD = { minLength: 1, maxLength: 2_048 };

/** Flags that select the distributor. */
export const distributorArgs = {
  distributor: optionalText("The distributor's function. Default: STACKYARD_DISTRIBUTOR.", {
    ...WORD,
    placeholder: "name|arn",
  }),
  distributorRegion: optionalText("Its region. Default: that of its ARN, or AWS_REGION.", {
    ...WORD,
    placeholder: "name",
  }),
};

/** Arguments for name and version of an artifact. */
export const versionArgs = {
  name: Type.String({
    pattern: ARTIFACT_NAME,
    expected: "lower-case letters, digits, dots, -, _ and / between parts, at most 128, such as team/billing-api",
    description: "Such as billing-api, or team/billing-api.",
  }),
  version: Type.String({
    pattern: ARTIFACT_VERSION,
    expected: "a letter or digit, then letters, digits, dots, -, _ and +, at most 64, such as 1.4.2",
    description: "Such as 1.4.2.",
  }),
};

/** Arguments for account and region of a consumer. */
export const consumerArgs = {
  account: Type.String({ pattern: "^[0-9]{12}$", expected: "12 digits", description: "The consumer's account." }),
  region: Type.String({
    pattern: "^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$",
    expected: "a region such as eu-west-1",
    description: "The consumer's region.",
  }),
};

/** Account and region of a consumer as flags. */
export const consumerFlags = {
  account: Type.Optional(Type.String({ ...consumerArgs.account, placeholder: "id" })),
  region: Type.Optional(Type.String({ ...consumerArgs.region, placeholder: "name" })),
};

/** Flag for an artifact, or one version of it. */
export const artifactFlag = optionalText("Only this artifact, or this version of it.", {
  minLength: 1,
  maxLength: 193,
  placeholder: "name[@version]",
});

/** Flags of commands that wait for coverage. */
export const waitArgs = {
  wait: optionalFlag("Wait until every expected consumer has the version."),
  timeout: optionalText("With --wait: the longest wait, such as 30m; exit code 4 afterwards. Default: 15m.", {
    pattern: "^[1-9][0-9]{0,8}(s|m|h|d)$",
    placeholder: "length",
    expected: "a whole number and s, m, h or d, such as 30m",
  }),
};

/** Flags for a role in a consumer's account. */
export const roleArgs = {
  role: optionalText("The role to assume in the consumer's account. Default: your own credentials.", {
    ...WORD,
    placeholder: "arn",
  }),
  externalId: optionalText("The external id of that role.", { ...WORD, placeholder: "text" }),
};

/** Flags for the source bucket. */
export const sourceArgs = {
  bucket: optionalText("The distributor's bucket. Default: STACKYARD_ARTIFACTS_BUCKET.", {
    ...WORD,
    placeholder: "name",
  }),
  prefix: optionalText("The prefix of all keys. Default: STACKYARD_ARTIFACTS_PREFIX, or none.", {
    ...WORD,
    placeholder: "text",
  }),
};

/** Flag for the number of lines. */
export const limitArg = optionalInteger("The maximum number of rows. Default: 50.", { minimum: 1, maximum: 10_000 });

/** The flags that select a distributor. */
interface DistributorWords {
  readonly distributor?: string;
  readonly distributorRegion?: string;
}

const { STACKYARD_ARTIFACTS_BUCKET, STACKYARD_ARTIFACTS_PREFIX, STACKYARD_DISTRIBUTOR } = SharedVariables.properties;
const Variables = Type.Object({ STACKYARD_ARTIFACTS_BUCKET, STACKYARD_ARTIFACTS_PREFIX, STACKYARD_DISTRIBUTOR });

/** Reads the variables of these commands. An empty one is treated as not set. */
export function readVariables({ environment }: Pick<ArtifactContext, "environment">): Static<typeof Variables> {
  return readEnvironment(Variables, environment).values;
}

const FUNCTION = new RegExp(VARIABLE_FORMS.function.pattern);

/** Opens the selected distributor. Throws `USAGE` when none is configured, or for an invalid name. */
export function openDistributor(context: ArtifactContext, words: DistributorWords): Promise<CallDistributor> {
  const functionName = words.distributor ?? readVariables(context).STACKYARD_DISTRIBUTOR;
  if (functionName === undefined) {
    const how = "Pass --distributor with the name or ARN of its function, or set STACKYARD_DISTRIBUTOR.";
    throw usage(`No distributor is configured. ${how}`);
  }
  if (!FUNCTION.test(functionName)) throw usage(`--distributor "${functionName}" is not a function name or ARN.`);
  const region = findDistributorRegion(context, words);
  return context.openDistributor({ functionName, signal: context.signal, ...(region && { region }) });
}

/** Returns the region of the distributor and its bucket; undefined for the SDK's default. */
export function findDistributorRegion(
  context: Pick<ArtifactContext, "environment">,
  words: DistributorWords,
): string | undefined {
  const name = words.distributor ?? readVariables(context).STACKYARD_DISTRIBUTOR ?? "";
  return words.distributorRegion ?? (toArnPart(name, 3) || findRegion(context.environment));
}

/** Returns the source bucket. Throws `USAGE` when none is configured. */
export function findSourceBucket(
  context: Pick<ArtifactContext, "environment">,
  { bucket }: { readonly bucket?: string },
): string {
  const found = bucket ?? readVariables(context).STACKYARD_ARTIFACTS_BUCKET;
  if (found !== undefined) return found;
  const how = "Pass --bucket with the distributor's bucket, or set STACKYARD_ARTIFACTS_BUCKET.";
  throw usage(`No bucket is configured. ${how}`);
}

const NAME = new RegExp(ARTIFACT_NAME);
const VERSION = new RegExp(ARTIFACT_VERSION);

/** Parses `name` or `name@version`. Throws `USAGE`. */
export function parseArtifactWord(text: string): { readonly name: string; readonly version?: string } {
  const [name = "", version, ...more] = text.split("@");
  if (!NAME.test(name) || more.length > 0 || (version !== undefined && !VERSION.test(version))) {
    throw usage(`--artifact "${text}" is not name or name@version.`);
  }
  return version === undefined ? { name } : { name, version };
}

/** Creates a usage error. */
export function usage(message: string): StackyardError {
  return new StackyardError("USAGE", message);
}

/** The shown rows of a list. */
export interface TakenRows<Row> {
  readonly rows: readonly Row[];
  /** The list has more rows. */
  readonly limited: boolean;
}

const DEFAULT_LIMIT = 50;

/** Reads rows up to the limit, and one more to detect whether the list continues. */
export async function takeRows<Row>(list: AsyncIterable<Row>, limit: number = DEFAULT_LIMIT): Promise<TakenRows<Row>> {
  const rows: Row[] = [];
  for await (const row of list) {
    if (rows.length >= limit) return { rows, limited: true };
    rows.push(row);
  }
  return { rows, limited: false };
}

/** Returns a note about further rows, or an empty text. */
export function formatLimit({ rows, limited }: TakenRows<unknown>): string {
  return limited ? `\n\nShowing the first ${rows.length}. Pass --limit for more.` : "";
}

/** Formats an instant to the second, for tables. */
export function toDay(instant: string): string {
  return toCell(instant, 40).slice(0, 19);
}

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

/** Formats a number of bytes, such as `1.2 GiB`. */
export function formatBytes(bytes: number): string {
  let [value, unit] = [bytes, 0];
  while (value >= 1_024 && unit < UNITS.length - 1) {
    value /= 1_024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

/** Formats a duration in its two largest units, such as `2m 30s`. */
export function formatSeconds(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3_600), Math.floor((whole % 3_600) / 60), whole % 60];
  if (hours > 0) return minutes === 0 ? `${hours}h` : `${hours}h ${minutes}m`;
  if (minutes > 0) return rest === 0 ? `${minutes}m` : `${minutes}m ${rest}s`;
  return `${rest}s`;
}

/** Formats a count with its noun: `1 file`, `2 files`. */
export function formatCount(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

/** The progress of a long operation. */
interface Told {
  /** A change of the phase is reported immediately. */
  readonly phase: string;
  readonly value: Readonly<Record<string, unknown>>;
  toLine(): string;
  /** Formats the block for a terminal of the given width. Default: the line. */
  toBlock?(columns: number): string;
}

const EVERY_MS = 1_000;
const LINE_EVERY_MS = 10_000;

/** Creates a reporter of progress: once a second for a terminal and `--json`, every ten seconds as lines in a pipe. */
export function createProgressReporter(out: CommandOutput, clock: Pick<Clock, "now">): (told: Told) => void {
  let [last, toldAt, linedAt, line] = ["", Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, ""];
  return ({ phase, value, toLine, toBlock = toLine }) => {
    const now = clock.now();
    const isNew = phase !== last;
    if (!isNew && now - toldAt < EVERY_MS) return;
    if (isNew || now - linedAt >= LINE_EVERY_MS) [linedAt, line] = [now, toLine()];
    [last, toldAt] = [phase, now];
    out.progress(value, () => line, toBlock);
  };
}
