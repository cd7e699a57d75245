import { existsSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, dirname, extname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import {
  AwsYardOptions,
  CONFIG_DEFAULTS,
  type ConfiguredYards,
  defined,
  findNearestName,
  formatFaults,
  isMap,
  listMissingKeys,
  listSchemaFaults,
  type PluginReference,
  requireUtf8,
  ServerYardOptions,
  StackyardConfig,
} from "@stackyard/core";
import { AccessConfig, findAccessFaults, findServerUrlFault } from "@stackyard/core/access";
import { formatForm, VARIABLE_FORMS } from "@stackyard/core/environment";
import { parseDuration } from "@stackyard/core/machine";
import { IsObject, type TObject, type TSchema, Type } from "typebox";
import { Value } from "typebox/value";
import { failWith } from "../failure.ts";
import { findConfigIn, findConfigUpwards, listConfigsIn } from "./find-config.ts";
import { findTypeAdvice, formatLoadError, isPlugin, offerOwnPackages } from "./modules.ts";

/** A folder with its configuration; without a file the defaults apply. */
export interface ConfigFile {
  readonly projectDir: string;
  /** Absolute; undefined without a configuration file. */
  readonly path?: string;
  readonly config: StackyardConfig;
}

/**
 * Loads the configuration of a project: of `project`, or of the nearest folder from `cwd` upwards that has one. Throws
 * one `CONFIG_INVALID` that lists all faults.
 */
export async function loadConfigFile(cwd: string, project?: string): Promise<ConfigFile> {
  const path = project === undefined ? findConfigUpwards(cwd) : findGiven(resolve(cwd, project));
  if (path === undefined) return { projectDir: resolve(cwd, project ?? "."), config: {} };
  refuseSecond(path);
  const config = parseConfig(await loadValue(path), basename(path));
  return { projectDir: dirname(path), path, config };
}

/** Throws if the folder has a second configuration, whose keys would be ignored without a word. A file of another name was chosen. */
function refuseSecond(path: string): void {
  const [first, second] = listConfigsIn(dirname(path));
  if (first !== path || second === undefined) return;
  const message = `Two configurations are in ${dirname(path)}: ${basename(first)} and ${basename(second)}.`;
  throw failWith("CONFIG_INVALID", message, { hint: "Keep one, and delete or rename the other." });
}

function findGiven(path: string): string | undefined {
  if (!existsSync(path)) throw failWith("CONFIG_INVALID", `Folder "${path}" not found.`, { hint: "Check --project." });
  return statSync(path).isDirectory() ? findConfigIn(path) : path;
}

async function loadValue(path: string): Promise<unknown> {
  const text = requireUtf8(await readFile(path, "utf8"), path);
  try {
    if (extname(path) === ".json") return JSON.parse(text);
    offerOwnPackages();
    const module: unknown = await import(/* @vite-ignore */ pathToFileURL(path).href);
    return typeof module === "object" && module !== null && "default" in module ? module.default : undefined;
  } catch (error) {
    const why = await formatLoadError(error, path);
    const hint =
      extname(path) === ".json"
        ? "Correct the file and try again."
        : (findTypeAdvice(path) ?? 'Its default export must be `defineConfig({ … })`, imported from "stackyard".');
    throw failWith("CONFIG_INVALID", `"${path}" cannot be loaded: ${why}`, { cause: error, hint });
  }
}

const KEYS = Object.keys(StackyardConfig.properties);

type Fields = Readonly<Record<string, unknown>>;

/** Parses a configuration. Throws one `CONFIG_INVALID` that lists all faults. */
export function parseConfig(value: unknown, name: string): StackyardConfig {
  const faults = findFaults(value);
  if (faults.length === 0) return value as StackyardConfig;
  const list = faults.map((fault) => `\n  - ${fault}`).join("");
  const count = faults.length === 1 ? "an error" : `${faults.length} errors`;
  throw failWith("CONFIG_INVALID", `${name} has ${count}:${list}`, {
    hint: "Correct the file and try again.",
  });
}

function findFaults(value: unknown): readonly string[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return ["The default export must be the configuration: `export default defineConfig({ … })`."];
  }
  const unknown = Object.keys(value).filter((key) => !KEYS.includes(key));
  const known: Fields = Object.fromEntries(Object.entries(value).filter(([key]) => KEYS.includes(key)));
  // The faults of a place are easier to read when each of its keys is validated separately.
  const { logs, ...others } = known;
  const plugins = known["plugins"];
  return [
    ...unknown.map(formatUnknownKey),
    ...formatFaults(listSchemaFaults(StackyardConfig, others)),
    ...(Array.isArray(plugins) ? plugins : []).flatMap((plugin, index) => findPluginFaults(plugin, index)),
    ...findLeaseFaults(known["worker"]),
    ...findStoreFaults(known["store"]),
    ...findUrlFaults(known["server"]),
    ...findGrantFaults(known["access"], known["server"]),
    ...findValueFaults("logs", logs, StackyardConfig.properties.logs),
    ...findYardFaults(known["yards"]),
  ];
}

function formatUnknownKey(key: string): string {
  const near = findNearestName(key, KEYS);
  return `Unknown key "${key}" in the configuration. ${near ? `Did you mean "${near}"?` : `Known: ${KEYS.join(", ")}.`}`;
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
    if (typeof url !== "string") return [];
    if (key === "url") return findServerUrlFault(url) ?? [];
    if (/^https?:$/.test(URL.parse(url)?.protocol ?? "")) return [];
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

type YardOptions = ConfiguredYards[string];

const YARD_NAME = new RegExp(VARIABLE_FORMS.yard.pattern);
/** The keys of a yard that only names an account. */
const OF_ACCOUNT: ReadonlySet<string> = new Set(["type", "region", "profile", "role", "externalId", "s3Encryption"]);

/** Returns all faults of a configuration's yards. Shows no value that may be a secret. */
export function findYardFaults(yards: unknown): readonly string[] {
  if (yards === undefined) return [];
  if (!isMap(yards)) return ["yards must be a map of names and yards."];
  return Object.entries(yards).flatMap(([name, yard]) => {
    const place = `yards.${name}`;
    if (!YARD_NAME.test(name)) return [`${place}: a yard's name has 1 to 64 letters, digits, "_", "-" and ".".`];
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
    return [...missing, ...findKeyFaults(place, yard, ServerYardOptions)];
  }
  if (yard["type"] !== "aws") return [`${place}.type must be "aws".`];
  return [
    ...findKeyFaults(place, yard, AwsYardOptions),
    ...findMissing(place, yard),
    ...findContradictions(place, yard),
  ];
}

/** Returns the faults of the keys that a map has: unknown ones, then invalid values. */
function findKeyFaults(place: string, fields: Fields, { properties }: TObject): readonly string[] {
  const known = Object.keys(properties);
  const unknown = Object.keys(fields).filter((key) => !known.includes(key));
  return [
    ...unknown.map((key) => {
      const near = findNearestName(key, known);
      return `${place}.${key} is not a known key. ${near ? `Did you mean "${near}"?` : `Known: ${known.join(", ")}.`}`;
    }),
    ...Object.entries(properties).flatMap(([key, schema]) => findValueFaults(`${place}.${key}`, fields[key], schema)),
  ];
}

function findValueFaults(place: string, value: unknown, schema: TSchema): readonly string[] {
  if (value === undefined) return [];
  if (!IsObject(schema)) return Value.Check(schema, value) ? [] : [`${place} must ${formatForm(schema)}.`];
  if (!isMap(value)) return [`${place} must be { ${Object.keys(schema.properties).join(", ")} }.`];
  const fields = defined(value);
  const missing = schema.required
    .filter((key) => fields[key] === undefined)
    .map((key) => `${place}.${key} is missing.`);
  return [...missing, ...findKeyFaults(place, fields, schema)];
}

function findMissing(place: string, yard: Fields): readonly string[] {
  if (Object.keys(yard).every((key) => OF_ACCOUNT.has(key))) return [];
  return listMissingKeys(yard).map((keys) => `${place}.${keys} is missing.`);
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
  return toAbsolute(projectDir, config.dataDir ?? CONFIG_DEFAULTS.dataDir);
}

/** Returns the absolute path of the folder of a project's machines. */
export function machinesDirOf({ config, projectDir }: ConfigFile): string {
  return toAbsolute(projectDir, config.machines ?? CONFIG_DEFAULTS.machines);
}

function toAbsolute(projectDir: string, path: string): string {
  return path.startsWith("/") ? path : join(projectDir, path);
}
