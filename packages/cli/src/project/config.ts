import { existsSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, dirname, extname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import {
  defined,
  findNearestName,
  formatFaults,
  isMap,
  listSchemaFaults,
  type PluginReference,
  type StackyardConfig,
} from "@stackyard/core";
import { AccessConfig, findAccessFaults } from "@stackyard/core/access";
import { parseDuration } from "@stackyard/core/machine";
import { type TSchema, Type } from "typebox";
import { Value } from "typebox/value";
import { failWith } from "../failure.ts";
import { findTypeAdvice, formatLoadError, isPlugin, offerOwnPackages } from "./modules.ts";

/** A folder with its configuration; without a file the defaults apply. */
export interface ConfigFile {
  readonly projectDir: string;
  /** Absolute; undefined without a configuration file. */
  readonly path?: string;
  readonly config: StackyardConfig;
}

/** File names of the configuration; the first one found wins. */
export const CONFIG_NAMES = [
  "stackyard.config.ts",
  "stackyard.config.mts",
  "stackyard.config.js",
  "stackyard.config.mjs",
  "stackyard.config.json",
] as const;

/**
 * Loads the configuration of a project: of `project`, or of the nearest folder from `cwd` upwards that has one. Throws
 * one `CONFIG_INVALID` that lists all faults.
 */
export async function loadConfigFile(cwd: string, project?: string): Promise<ConfigFile> {
  const path = project === undefined ? findUpwards(cwd) : findGiven(resolve(cwd, project));
  if (path === undefined) return { projectDir: resolve(cwd, project ?? "."), config: {} };
  const config = parseConfig(await loadValue(path), basename(path));
  return { projectDir: dirname(path), path, config };
}

function findUpwards(cwd: string): string | undefined {
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    const found = findIn(folder);
    if (found !== undefined || folder === dirname(folder)) return found;
  }
}

function findIn(folder: string): string | undefined {
  return CONFIG_NAMES.map((name) => join(folder, name)).find((path) => existsSync(path));
}

function findGiven(path: string): string | undefined {
  if (!existsSync(path)) throw failWith("CONFIG_INVALID", `Folder "${path}" not found.`, { hint: "Check --project." });
  return statSync(path).isDirectory() ? findIn(path) : path;
}

async function loadValue(path: string): Promise<unknown> {
  try {
    if (extname(path) === ".json") return JSON.parse(await readFile(path, "utf8"));
    offerOwnPackages();
    const module: unknown = await import(/* @vite-ignore */ pathToFileURL(path).href);
    return typeof module === "object" && module !== null && "default" in module ? module.default : undefined;
  } catch (error) {
    const why = await formatLoadError(error, path);
    const hint = findTypeAdvice(path) ?? 'Its default export must be `defineConfig({ … })`, imported from "stackyard".';
    throw failWith("CONFIG_INVALID", `"${path}" cannot be loaded: ${why}`, { cause: error, hint });
  }
}

const Path = Type.String({ minLength: 1, maxLength: 4_096 });
const Keys = {
  machines: Type.Optional(Path),
  dataDir: Type.Optional(Path),
  // A name or an object with options of its package, which checks them.
  store: Type.Optional(Type.Unknown()),
  // Plugins contain functions; each is validated separately.
  plugins: Type.Optional(Type.Array(Type.Unknown(), { maxItems: 100 })),
  executors: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  server: Type.Optional(
    Type.Object(
      {
        host: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
        port: Type.Optional(Type.Integer({ minimum: 0, maximum: 65_535 })),
        url: Type.Optional(Type.String({ maxLength: 2_048 })),
        servicesUrl: Type.Optional(Type.String({ maxLength: 2_048 })),
        trustedProxies: Type.Optional(Type.Array(Type.String({ maxLength: 64 }), { maxItems: 100 })),
      },
      { additionalProperties: false },
    ),
  ),
  access: Type.Optional(AccessConfig),
  concurrency: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000 })),
  worker: Type.Optional(
    Type.Object({ lease: Type.Optional(Type.String({ maxLength: 32 })) }, { additionalProperties: false }),
  ),
  // Logs and yards: the faults are easier to read when each key is validated separately.
  logs: Type.Optional(Type.Unknown()),
  distributor: Type.Optional(Type.String({ minLength: 1, maxLength: 2_048 })),
  yards: Type.Optional(Type.Unknown()),
};
const Config: TSchema = Type.Object(Keys, { additionalProperties: false });

/** Parses a configuration. Throws one `CONFIG_INVALID` that lists all faults. */
export function parseConfig(value: unknown, name: string): StackyardConfig {
  const faults = findFaults(value);
  if (faults.length === 0) return value as StackyardConfig;
  const list = faults.map((fault) => `\n  - ${fault}`).join("");
  const count = faults.length === 1 ? "an error" : `${faults.length} errors`;
  throw failWith("CONFIG_INVALID", `${name} has ${count}:${list}`, {
    hint: "Correct the file and try again. `defineConfig` describes its keys.",
  });
}

function findFaults(value: unknown): readonly string[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return ["The default export must be the configuration: `export default defineConfig({ … })`."];
  }
  const unknown = Object.keys(value).filter((key) => !Object.hasOwn(Keys, key));
  const known = Object.fromEntries(Object.entries(value).filter(([key]) => Object.hasOwn(Keys, key)));
  const plugins: unknown = known["plugins"];
  return [
    ...unknown.map(formatUnknownKey),
    ...formatFaults(listSchemaFaults(Config, known)),
    ...(Array.isArray(plugins) ? plugins : []).flatMap((plugin, index) => findPluginFaults(plugin, index)),
    ...findLeaseFaults(known["worker"]),
    ...findStoreFaults(known["store"]),
    ...findUrlFaults(known["server"]),
    ...findGrantFaults(known["access"], known["server"]),
    ...findPlaceFaults("logs", known["logs"]),
    ...findYardFaults(known["yards"]),
  ];
}

function formatUnknownKey(key: string): string {
  const near = findNearestName(key, Object.keys(Keys));
  return `Unknown key "${key}" in the configuration. ${near ? `Did you mean "${near}"?` : `Known: ${Object.keys(Keys).join(", ")}.`}`;
}

function findLeaseFaults(worker: unknown): readonly string[] {
  const lease = isMap(worker) ? worker["lease"] : undefined;
  // The schema rejects values that are not text.
  if (typeof lease !== "string" || toLeaseMs(lease) !== undefined) return [];
  return [`worker.lease: "${lease}" must be a duration from 1s to 1h, such as 30s.`];
}

function findStoreFaults(store: unknown): readonly string[] {
  const type = typeof store === "object" && store !== null && "type" in store ? store.type : store;
  if (store === undefined || (typeof type === "string" && type !== "")) return [];
  return ['store must be "sqlite", "postgres", a package or a path, or { type, … } with one of them and its options.'];
}

function findUrlFaults(server: unknown): readonly string[] {
  if (!isMap(server)) return [];
  return ["url", "servicesUrl"].flatMap((key) => {
    const url = server[key];
    // The schema rejects values that are not text.
    if (typeof url !== "string" || /^https?:$/.test(URL.parse(url)?.protocol ?? "")) return [];
    return [`server.${key}: "${url}" must be an address such as https://stackyard.example.org.`];
  });
}

/** Returns the faults of `access` that a schema cannot express. */
function findGrantFaults(access: unknown, server: unknown): readonly string[] {
  if (access === undefined || !Value.Check(AccessConfig, access)) return [];
  const url = isMap(server) ? server["url"] : undefined;
  return findAccessFaults(access, typeof url === "string" ? { serverUrl: url } : {});
}

function findPluginFaults(value: unknown, index: number): readonly string[] {
  return isPluginReference(value)
    ? []
    : [`plugins[${index}] must be a package, a path, a plugin, or { use, options } with one of them.`];
}

function isPluginReference(value: unknown): value is PluginReference {
  if (typeof value === "string") return value !== "";
  if (isPlugin(value)) return true;
  if (typeof value !== "object" || value === null || !("use" in value)) return false;
  return isPlugin(value.use) || (typeof value.use === "string" && value.use !== "");
}

/** A yard of a configuration. */
type YardOptions = NonNullable<StackyardConfig["yards"]>[string];

/** A yard in an AWS account. */
export type AwsYardOptions = Extract<YardOptions, { readonly type: "aws" }>;

/** The form of a value: its description and its pattern. */
interface Form {
  readonly pattern: RegExp;
  readonly must: string;
}

type Fields = Readonly<Record<string, unknown>>;

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;
const TEXT: Form = { pattern: /^[^\p{Cc}]{1,2048}$/u, must: "text" };
const QUEUE: Form = { pattern: /^https?:\/\/[^\s/]+\/\S{1,2000}$/, must: "the URL of a queue" };
const STANDARD: Form = {
  pattern: /^https?:\/\/[^\s/]+\/\S{1,2000}(?<!\.fifo)$/,
  must: "the URL of a standard queue, because FIFO queues do not delay single messages",
};
const TABLE: Form = {
  pattern: /^[a-zA-Z0-9_.-]{3,255}$/,
  must: 'the name of a table: 3 to 255 letters, digits, "_", "-" and "."',
};
const BUCKET: Form = { pattern: /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, must: "the name of a bucket" };
const PREFIX: Form = { pattern: /^[^\p{Cc}]{0,1024}$/u, must: "the beginning of keys" };

const OF_SERVER: ReadonlyMap<string, Form> = new Map([
  ["url", { pattern: /^https?:\/\/\S{1,2000}$/, must: "an address such as https://stackyard.example.org" }],
  ["token", { pattern: /^[\x21-\x7e]{1,256}$/, must: "a token" }],
]);
const OF_AWS: ReadonlyMap<string, Form> = new Map([
  ["type", TEXT],
  ["region", { pattern: /^[a-z]{2,4}(-[a-z0-9]+)+$/, must: "a region such as eu-west-1" }],
  ["profile", TEXT],
  ["role", { pattern: /^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]{1,512}$/, must: "the ARN of a role" }],
  [
    "externalId",
    { pattern: /^[\w+=,.@:/-]{2,1224}$/, must: "an external id: 2 to 1,224 letters, digits and _+=,.@:/-" },
  ],
  ["eventQueueUrl", QUEUE],
  [
    "eventTopicArn",
    { pattern: /^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}(\.fifo)?$/, must: "the ARN of a topic" },
  ],
  ["taskQueueUrl", QUEUE],
  ["longTaskQueueUrl", QUEUE],
  ["tickQueueUrl", STANDARD],
  ["eventDeadLetterQueueUrl", QUEUE],
  ["taskDeadLetterQueueUrl", QUEUE],
  ["stacksTable", TABLE],
  ["workTable", TABLE],
  ["connectionSecret", TEXT],
]);
const PLACES = ["machines", "messages", "logs"] as const;
const OF_PLACE: ReadonlyMap<string, Form> = new Map([
  ["bucket", BUCKET],
  ["prefix", PREFIX],
]);
/** The keys of a yard that only names an account. */
const OF_ACCOUNT: ReadonlySet<string> = new Set(["type", "region", "profile", "role", "externalId"]);

/** Returns all faults of a configuration's yards. Shows no value that may be a secret. */
export function findYardFaults(yards: unknown): readonly string[] {
  if (yards === undefined) return [];
  if (!isMap(yards)) return ["yards must be a map of names and yards."];
  return Object.entries(yards).flatMap(([name, yard]) => {
    const place = `yards.${name}`;
    if (!NAME.test(name)) return [`${place}: a yard's name has 1 to 64 letters, digits, "_", "-" and ".".`];
    if (!isMap(yard)) return [`${place} must be { url, token } or { type: "aws", … }.`];
    // Values are undefined where environment variables are missing.
    return findFaultsOfYard(place, defined(yard));
  });
}

/** Returns true for a yard in an AWS account. */
export function isAwsYard(yard: YardOptions): yard is AwsYardOptions {
  return "type" in yard;
}

function findFaultsOfYard(place: string, yard: Fields): readonly string[] {
  if (yard["type"] === undefined) {
    const missing = yard["url"] === undefined ? [`${place}.url is missing; a yard on AWS has type: "aws".`] : [];
    return [...missing, ...findUnknown(place, yard, [...OF_SERVER.keys()]), ...findForms(place, yard, OF_SERVER)];
  }
  if (yard["type"] !== "aws") return [`${place}.type must be "aws".`];
  return [
    ...findUnknown(place, yard, [...OF_AWS.keys(), ...PLACES]),
    ...findForms(place, yard, OF_AWS),
    ...PLACES.flatMap((key) => findPlaceFaults(`${place}.${key}`, yard[key])),
    ...findMissing(place, yard),
    ...findContradictions(place, yard),
  ];
}

function findUnknown(place: string, yard: Fields, known: readonly string[]): readonly string[] {
  const unknown = Object.keys(yard).filter((key) => !known.includes(key));
  return unknown.map((key) => {
    const near = findNearestName(key, known);
    return `${place}.${key} is not a known key. ${near ? `Did you mean "${near}"?` : `Known: ${known.join(", ")}.`}`;
  });
}

function findForms(place: string, yard: Fields, forms: ReadonlyMap<string, Form>): readonly string[] {
  return [...forms].flatMap(([key, { pattern, must }]) => {
    const value = yard[key];
    if (value === undefined || (typeof value === "string" && pattern.test(value))) return [];
    return [`${place}.${key} must be ${must}.`];
  });
}

function findPlaceFaults(place: string, value: unknown): readonly string[] {
  if (value === undefined) return [];
  if (!isMap(value)) return [`${place} must be { bucket, prefix }.`];
  const fields = defined(value);
  const missing = fields["bucket"] === undefined ? [`${place}.bucket is missing.`] : [];
  return [...missing, ...findUnknown(place, fields, [...OF_PLACE.keys()]), ...findForms(place, fields, OF_PLACE)];
}

function findMissing(place: string, yard: Fields): readonly string[] {
  if (Object.keys(yard).every((key) => OF_ACCOUNT.has(key))) return [];
  const groups = [
    ["eventQueueUrl", "eventTopicArn"],
    ["taskQueueUrl"],
    ["stacksTable", "connectionSecret"],
    ["machines"],
  ];
  return groups
    .filter((group) => group.every((key) => yard[key] === undefined))
    .map((group) => `${place}.${group.join(" or ")} is missing.`);
}

function findContradictions(place: string, yard: Fields): readonly string[] {
  const has = (key: string): boolean => yard[key] !== undefined;
  return [
    ...(has("stacksTable") && has("connectionSecret")
      ? [`${place}: set either stacksTable or connectionSecret, not both.`]
      : []),
    ...(has("workTable") && !has("stacksTable") ? [`${place}.workTable goes with stacksTable.`] : []),
    ...(has("externalId") && !has("role") ? [`${place}.externalId goes with role.`] : []),
    ...findOrderFaults(place, yard, "eventQueueUrl", "eventDeadLetterQueueUrl"),
    ...findOrderFaults(place, yard, "taskQueueUrl", "taskDeadLetterQueueUrl"),
  ];
}

/**
 * Requires a queue and its dead-letter queue to be both FIFO or both standard ("Using dead-letter queues in Amazon
 * SQS").
 */
function findOrderFaults(place: string, yard: Fields, queue: string, deadLetters: string): readonly string[] {
  const [first, second] = [yard[queue], yard[deadLetters]];
  if (typeof first !== "string" || typeof second !== "string") return [];
  if (first.endsWith(".fifo") === second.endsWith(".fifo")) return [];
  return [`${place}.${deadLetters} must be a FIFO queue where ${queue} is one, and only there.`];
}

/** Returns the yard of that name in a configuration. Throws `CONFIG_INVALID` that lists the existing ones. */
export function findYard({ config, path }: ConfigFile, name: string): YardOptions {
  const yards = config.yards ?? {};
  const found = Object.hasOwn(yards, name) ? yards[name] : undefined;
  if (found !== undefined) return found;
  const names = Object.keys(yards);
  const near = findNearestName(name, names);
  const known = names.length === 0 ? "It defines no yards." : `It defines ${names.join(", ")}.`;
  const hint = near === undefined ? `${known} Add it under \`yards\`.` : `Did you mean "${near}"?`;
  throw failWith("CONFIG_INVALID", `Unknown yard "${name}" in ${path ?? "a stackyard.config.ts"}.`, { hint });
}

// Below, a busy machine loses leases that it still works under; above, a crash is noticed too late.
const SHORTEST_MS = 1_000;
const LONGEST_MS = 3_600_000;

/** Parses a worker's lease to milliseconds; undefined for an invalid or too short duration. */
export function toLeaseMs(lease: string): number | undefined {
  const ms = parseDuration(lease);
  return ms !== undefined && ms >= SHORTEST_MS && ms <= LONGEST_MS ? ms : undefined;
}

/** The argument of commands that look at a project but at no server. */
export const projectArg = {
  project: Type.Optional(
    Type.String({
      placeholder: "dir",
      description: "The project's folder. Default: the nearest folder with a configuration.",
    }),
  ),
};

/** Returns the absolute path of the folder for a project's store, token and working files. */
export function dataDirOf({ config, projectDir }: ConfigFile): string {
  return toAbsolute(projectDir, config.dataDir ?? ".stackyard");
}

/** Returns the absolute path of the folder of a project's machines. */
export function machinesDirOf({ config, projectDir }: ConfigFile): string {
  return toAbsolute(projectDir, config.machines ?? "machines");
}

function toAbsolute(projectDir: string, path: string): string {
  return path.startsWith("/") ? path : join(projectDir, path);
}
