import { stripVTControlCharacters } from "node:util";
import type { LambdaClient } from "@aws-sdk/client-lambda";
import type { S3Client } from "@aws-sdk/client-s3";
import { findEmulator } from "@stackyard/aws";
import {
  type Clock,
  type CommandOutput,
  type PluginCommand,
  type PluginCommandContext,
  StackyardError,
} from "@stackyard/core";
import { ARTIFACT_NAME, ARTIFACT_VERSION, type CallDistributor } from "@stackyard/sdk/artifacts";
import { type CommandSpec, createCommand } from "@stackyard/sdk/commands";
import { type TObject, Type } from "typebox";

/** Where AWS is called, and as whom. */
export interface AwsPlace {
  /** Default: as the SDK finds it. */
  readonly region?: string;
  /** ARN of a role to take. Default: the credentials of whoever types the command. */
  readonly role?: string;
  readonly externalId?: string;
  /** S3 is used by path: emulators have no names of buckets in the DNS. Default: as AWS wants it. */
  readonly pathStyle?: boolean;
}

/** Clients for one place. */
export interface ArtifactAws {
  readonly s3: S3Client;
  readonly lambda: LambdaClient;
}

/** What commands about artifacts reach the world by; tests have their own. */
export interface ArtifactCommandDeps {
  readonly clock: Clock;
  openAws(place: AwsPlace): Promise<ArtifactAws>;
  /** A distributor by the name or the ARN of its function. */
  openDistributor(place: DistributorPlace): Promise<CallDistributor>;
  /** How wide the terminal is; undefined: it is none. */
  columns(): number | undefined;
  /** Between two looks at a coverage. Default: 5 s. */
  readonly pollMs?: number;
}

/** A function, and where it is. */
export interface DistributorPlace {
  readonly functionName: string;
  readonly region?: string;
  readonly signal: AbortSignal;
}

/** What a command about artifacts is given. */
export interface ArtifactContext extends ArtifactCommandDeps {
  readonly out: CommandOutput;
  /** Relative paths start here. */
  readonly cwd: string;
  readonly environment: PluginCommandContext["environment"];
  readonly signal: AbortSignal;
}

/** One command about artifacts. */
export type ArtifactCommandSpec<Args extends TObject> = CommandSpec<Args, ArtifactContext>;

/** A command as a plugin gives it. Arguments that do not fit are `USAGE`. */
export function createArtifactCommand<Args extends TObject>(
  spec: ArtifactCommandSpec<Args>,
  deps: ArtifactCommandDeps,
): PluginCommand {
  return createCommand(spec, ({ out, cwd, environment, signal }) => {
    const style = findEmulator(environment, "S3") === undefined ? {} : { pathStyle: true };
    return { ...deps, openAws: (place) => deps.openAws({ ...place, ...style }), out, cwd, environment, signal };
  });
}

const word = (placeholder: string, description: string) =>
  Type.Optional(Type.String({ minLength: 1, maxLength: 2_048, placeholder, description }));

/** Which distributor. */
export const distributorArgs = {
  distributor: word("name|arn", "The distributor's function. Default: STACKYARD_DISTRIBUTOR."),
  distributorRegion: word("name", "Its region. Default: that of its ARN, or AWS_REGION."),
};

/** An artifact's version, in this order. */
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

/** Account and region of a consumer. */
export const consumerArgs = {
  account: Type.String({ pattern: "^[0-9]{12}$", expected: "12 digits", description: "The consumer's account." }),
  region: Type.String({
    pattern: "^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$",
    expected: "a region such as eu-west-1",
    description: "The consumer's region.",
  }),
};

/** The same as flags. */
export const consumerFlags = {
  account: Type.Optional(Type.String({ ...consumerArgs.account, placeholder: "id" })),
  region: Type.Optional(Type.String({ ...consumerArgs.region, placeholder: "name" })),
};

/** An artifact, or one version of it. */
export const artifactFlag = Type.Optional(
  Type.String({
    minLength: 1,
    maxLength: 193,
    placeholder: "name[@version]",
    description: "Only this artifact, or this version of it.",
  }),
);

/** Of commands that wait for coverage. */
export const waitArgs = {
  wait: Type.Optional(Type.Boolean({ description: "Wait until the version stands at every consumer." })),
  timeout: Type.Optional(
    Type.String({
      pattern: "^[1-9][0-9]{0,8}(s|m|h|d)$",
      placeholder: "length",
      expected: "a whole number and s, m, h or d, such as 30m",
      description: "With --wait: how long, such as 30m (then exit code 4). Default: 15m.",
    }),
  ),
};

/** A role in an account of a consumer. */
export const roleArgs = {
  role: word("arn", "The role to take in the consumer's account. Default: your own credentials."),
  externalId: word("text", "For that role."),
};

/** Where artifacts are published. */
export const sourceArgs = {
  bucket: word("name", "The distributor's bucket. Default: STACKYARD_ARTIFACTS_BUCKET."),
  prefix: word("text", "Before all keys. Default: STACKYARD_ARTIFACTS_PREFIX, or none."),
};

/** At most so many lines. */
export const limitArg = Type.Optional(
  Type.Integer({ minimum: 1, maximum: 10_000, description: "At most so many. Default: 50." }),
);

/** Which distributor, as words of a command line. */
interface DistributorWords {
  readonly distributor?: string;
  readonly distributorRegion?: string;
}

const FUNCTION =
  /^(arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:)?[A-Za-z0-9_-]{1,140}(:[A-Za-z0-9$_-]{1,128})?$/;

/** The distributor that is meant. Throws `USAGE` where none is named, or what is named can be none. */
export function openDistributor(context: ArtifactContext, words: DistributorWords): Promise<CallDistributor> {
  const functionName = words.distributor ?? (context.environment["STACKYARD_DISTRIBUTOR"] || undefined);
  if (functionName === undefined) {
    throw usage(
      "Which distributor? Give --distributor, or set STACKYARD_DISTRIBUTOR: the name or the ARN of its function.",
    );
  }
  if (!FUNCTION.test(functionName))
    throw usage(`--distributor "${functionName}" is neither a name nor an ARN of a function.`);
  const region = findDistributorRegion(context, words);
  return context.openDistributor({ functionName, signal: context.signal, ...(region && { region }) });
}

/** Where it is, and its bucket with it. Undefined: as the SDK finds it. */
export function findDistributorRegion(
  { environment }: Pick<ArtifactContext, "environment">,
  words: DistributorWords,
): string | undefined {
  const name = words.distributor ?? environment["STACKYARD_DISTRIBUTOR"] ?? "";
  const ofArn = name.startsWith("arn:") ? name.split(":")[3] : undefined;
  return (
    words.distributorRegion ?? (ofArn || environment["AWS_REGION"] || environment["AWS_DEFAULT_REGION"] || undefined)
  );
}

/** The bucket that artifacts are published into. Throws `USAGE`. */
export function findSourceBucket(
  { environment }: Pick<ArtifactContext, "environment">,
  { bucket }: { readonly bucket?: string },
): string {
  const found = bucket ?? (environment["STACKYARD_ARTIFACTS_BUCKET"] || undefined);
  if (found !== undefined) return found;
  throw usage("Which bucket? Give --bucket, or set STACKYARD_ARTIFACTS_BUCKET: the distributor's own.");
}

const NAME = new RegExp(ARTIFACT_NAME);
const VERSION = new RegExp(ARTIFACT_VERSION);

/** `name` or `name@version`. Throws `USAGE`. */
export function parseArtifactWord(text: string): { readonly name: string; readonly version?: string } {
  const [name = "", version, ...more] = text.split("@");
  if (!NAME.test(name) || more.length > 0 || (version !== undefined && !VERSION.test(version))) {
    throw usage(`--artifact "${text}" is neither a name nor a name@version.`);
  }
  return version === undefined ? { name } : { name, version };
}

/** Of words that are wrong together. */
export function usage(message: string): StackyardError {
  return new StackyardError("USAGE", message);
}

/** What of a long list is shown. */
export interface TakenRows<Row> {
  readonly rows: readonly Row[];
  /** There are more than were wanted. */
  readonly limited: boolean;
}

const DEFAULT_LIMIT = 50;

/** Reads one row beyond the limit, to know whether there are more. */
export async function takeRows<Row>(list: AsyncIterable<Row>, limit: number = DEFAULT_LIMIT): Promise<TakenRows<Row>> {
  const rows: Row[] = [];
  for await (const row of list) {
    if (rows.length >= limit) return { rows, limited: true };
    rows.push(row);
  }
  return { rows, limited: false };
}

/** A line under a list that is longer; else nothing. */
export function tellLimit({ rows, limited }: TakenRows<unknown>): string {
  return limited ? `\n\nThese are the first ${rows.length}. Give --limit for more.` : "";
}

const OBEYED = /\p{Cc}|[\u200b-\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/gu;

/** Text of others on one line, at most so many characters: nothing in it moves a cursor, colours or turns a direction. */
export function toCell(text: string, maxCharacters = 80): string {
  // What is left when sequences are taken out may be one again, so controls go as well.
  const line = stripVTControlCharacters(text).replaceAll(/\s+/gu, " ").replaceAll(OBEYED, "").toWellFormed().trim();
  const characters = [...line];
  return characters.length <= maxCharacters ? line : `${characters.slice(0, maxCharacters - 1).join("")}…`;
}

/** An instant to the second, as tables have it. */
export function toDay(instant: string): string {
  return toCell(instant, 40).slice(0, 19);
}

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

/** A number of bytes as people read it, such as `1.2 GiB`. */
export function tellBytes(bytes: number): string {
  let [value, unit] = [bytes, 0];
  while (value >= 1_024 && unit < UNITS.length - 1) {
    value /= 1_024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

/** A length of time in its two largest units, such as `2m 30s`. */
export function tellSeconds(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3_600), Math.floor((whole % 3_600) / 60), whole % 60];
  if (hours > 0) return minutes === 0 ? `${hours}h` : `${hours}h ${minutes}m`;
  if (minutes > 0) return rest === 0 ? `${minutes}m` : `${minutes}m ${rest}s`;
  return `${rest}s`;
}

/** `1 file`, `2 files`. */
export function tellCount(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

/** How far long work is. */
interface Told {
  /** A change of it is told at once. */
  readonly phase: string;
  readonly value: Readonly<Record<string, unknown>>;
  toLine(): string;
  /** In a terminal of so many columns. Default: the line. */
  toBlock?(columns: number): string;
}

const EVERY_MS = 1_000;
const LINE_EVERY_MS = 10_000;

/** Tells how far work is: to a terminal and with `--json` once a second, as lines of a pipe every ten seconds. */
export function createPacedTeller(out: CommandOutput, clock: Pick<Clock, "now">): (told: Told) => void {
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
