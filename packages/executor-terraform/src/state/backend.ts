import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { isAbsolute, join, sep } from "node:path";
import { isMap, parseJson } from "@stackyard/core";
import type { Environment } from "@stackyard/core/programs";
import { type TerraformConfig, toStateAddress } from "../definition.ts";
import { type JsonObject, objectAt, TerraformFailure, type TerraformFailureCode, textAt } from "../run/failure.ts";

/** With this name the program reads the file last, so that it overrides the module's own files. */
export const BACKEND_OVERRIDE_FILE = "stackyard_backend_override.tf.json";

/** The content of the override file: everything else is in environment variables. */
export const BACKEND_OVERRIDE: string = JSON.stringify({ terraform: { backend: { http: {} } } });

/** The setup of a run that persists the state. */
interface BackendSetup {
  /** More arguments of `init`. */
  readonly initArguments: readonly string[];
  readonly environment: Environment;
  /** True for the backend of the yard: the override file is to be written. */
  readonly isYard: boolean;
}

interface BackendInput {
  /** The type of the declared backend. */
  readonly declared: string | undefined;
  readonly config: Pick<TerraformConfig, "backend" | "sharedState">;
  readonly stateKey: string;
  readonly stateBackendUrl: string | undefined;
  /** The attempt's credentials for the yard's own backend. */
  readonly attempt: { readonly id: string; readonly password: string };
}

/**
 * Returns the backend setup: an `s3` backend gets the state key, every declared one the settings of the task, and
 * without one the yard's own backend is used. Fails with TERRAFORM_BACKEND_MISSING when the state would be lost with
 * the run. `findBackendFault` checks the result.
 */
export function toBackendSetup({ declared, config, stateKey, stateBackendUrl, attempt }: BackendInput): BackendSetup {
  const { backend = {}, sharedState } = config;
  if (declared === undefined) {
    if (Object.keys(backend).length > 0 || sharedState !== undefined) throw toMissing(NOT_DECLARED_TEXT);
    if (stateBackendUrl === undefined) throw toMissing(MISSING_TEXT);
    return { initArguments: [], environment: toYardEnvironment(stateBackendUrl, stateKey, attempt), isYard: true };
  }
  const isKeyed = declared === "s3" && sharedState === undefined;
  const settings = Object.entries({ ...(isKeyed ? { key: stateKey } : {}), ...backend });
  const initArguments = settings.map(([name, value]) => `-backend-config=${name}=${value}`);
  return { initArguments, environment: {}, isYard: false };
}

function toMissing(text: string): TerraformFailure {
  return new TerraformFailure("TERRAFORM_BACKEND_MISSING", text);
}

const NOT_DECLARED_TEXT =
  'The task has "backend" or "sharedState", but the files that the program reads declare no backend. ' +
  "Declare one in the configuration, or remove these keys to use the yard's own state backend.";

const MISSING_TEXT =
  "The configuration declares no backend, and this runner has no state backend of the yard. The state would be lost. " +
  'Declare one, such as `terraform { backend "s3" { bucket = … } }`, or run the task where the yard\'s server is configured.';

/** Returns the environment for the yard's backend with the attempt's user and password: the lock ends with its lease. */
function toYardEnvironment(url: string, stateKey: string, attempt: BackendInput["attempt"]): Environment {
  const address = toStateAddress(url, stateKey);
  return {
    TF_HTTP_ADDRESS: address,
    TF_HTTP_LOCK_ADDRESS: address,
    TF_HTTP_LOCK_METHOD: "LOCK",
    TF_HTTP_UNLOCK_ADDRESS: address,
    TF_HTTP_UNLOCK_METHOD: "UNLOCK",
    TF_HTTP_UPDATE_METHOD: "POST",
    TF_HTTP_USERNAME: attempt.id,
    TF_HTTP_PASSWORD: attempt.password,
  };
}

/** The backend that a program uses after `init`, with its settings as the program has evaluated them. */
export interface BackendInUse {
  readonly type: string;
  readonly config: JsonObject;
}

/**
 * Reads which backend `init` has chosen: the program records it, also that of files, blocks and arguments that we do
 * not know. Returns undefined when it uses none, and would write the state into the working folder.
 */
export async function loadBackendInUse(module: string): Promise<BackendInUse | undefined> {
  const text = await readFile(join(module, ".terraform", "terraform.tfstate"), "utf8").catch(() => "");
  const record = parseJson(text);
  if (!isMap(record)) return undefined;
  const backend = objectAt(record, "backend");
  const type = textAt(backend, "type");
  return type === "" ? undefined : { type, config: objectAt(backend, "config") };
}

/** The facts that identify the state of a backend. */
interface BackendFacts {
  /** Settings that identify a state; the first one is the usual place for the name of a stack. */
  readonly place: readonly [string, ...string[]];
  /** Variables of the environment that set them when the configuration does not. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** By type (Terraform docs, "Backend Configuration"). */
const BACKENDS: ReadonlyMap<string, BackendFacts> = new Map<string, BackendFacts>([
  ["s3", { place: ["key", "bucket"] }],
  ["gcs", { place: ["prefix", "bucket"] }],
  ["azurerm", { place: ["key", "container_name", "storage_account_name"] }],
  ["http", { place: ["address"], environment: { address: "TF_HTTP_ADDRESS" } }],
  [
    "pg",
    { place: ["schema_name", "conn_str"], environment: { schema_name: "PG_SCHEMA_NAME", conn_str: "PG_CONN_STR" } },
  ],
  ["consul", { place: ["path", "address"], environment: { address: "CONSUL_HTTP_ADDR" } }],
  ["kubernetes", { place: ["secret_suffix", "namespace"], environment: { namespace: "KUBE_NAMESPACE" } }],
  ["local", { place: ["path"] }],
  ["cos", { place: ["prefix", "key", "bucket"] }],
  ["oss", { place: ["prefix", "key", "bucket"] }],
  ["oci", { place: ["key", "bucket", "namespace"] }],
  ["remote", { place: ["workspaces", "organization", "hostname"] }],
  ["cloud", { place: ["workspaces", "organization", "hostname"] }],
]);

/** A setting that identifies a state, with the texts in its value. */
interface PlacePart {
  readonly name: string;
  readonly value: string;
}

function listPlace({ type, config }: BackendInUse, environment: Environment): readonly PlacePart[] {
  const facts = BACKENDS.get(type);
  const workspace = environment["TF_WORKSPACE"] ?? "default";
  if (type === "local" && workspace !== "default") {
    const parent = textAt(config, "workspace_dir") || "terraform.tfstate.d";
    return [{ name: "workspace_dir", value: `${parent}/${workspace}/terraform.tfstate` }];
  }
  const parts = (facts?.place ?? Object.keys(config)).map((name): PlacePart => {
    const variable = facts?.environment?.[name];
    const given = listTexts(config[name]).join(" ");
    return { name, value: given || (variable === undefined ? "" : (environment[variable] ?? "")) };
  });
  return [...parts, { name: "workspace", value: workspace }].filter(({ value }) => value !== "");
}

function listTexts(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  if (Array.isArray(value)) return value.flatMap(listTexts);
  return isMap(value) ? Object.values(value).flatMap(listTexts) : [];
}

/** Returns where a state is, for comparison and for people; without credentials. */
export function toBackendPlace(inUse: BackendInUse, environment: Environment): string {
  const parts = listPlace(inUse, environment).filter(({ name, value }) => name !== "workspace" || value !== "default");
  const shown = parts.map(({ name, value }) => {
    // It may contain a password.
    if (name === "conn_str") return `${name}#${createHash("sha256").update(value).digest("hex").slice(0, 12)}`;
    return `${name}=${value.replace(/\/\/[^/@]*@/g, "//")}`;
  });
  return [inUse.type, ...shown].join(" ");
}

/** The place of states in the backend of the yard, whatever its address is. */
const YARD = "yard";

/** The known backend of a run. */
interface BackendRun {
  readonly isYard: boolean;
  readonly module: string;
  readonly environment: Environment;
}

/** Returns where the state of a run is, after `init`. */
export async function loadPlace({ isYard, module, environment }: BackendRun): Promise<string> {
  const inUse = isYard ? undefined : await loadBackendInUse(module);
  return inUse === undefined ? YARD : toBackendPlace(inUse, environment);
}

/** The expected backend of a run. */
interface ExpectedBackend {
  /** True if the state belongs into the yard. */
  readonly isYard: boolean;
  readonly stackId: string;
  readonly config: Pick<TerraformConfig, "backend" | "sharedState">;
  readonly environment: Environment;
  /** The folder that is removed after the run. */
  readonly folder: string;
}

/** Why a run must not continue with its backend. */
interface BackendFault {
  readonly code: TerraformFailureCode;
  readonly text: string;
}

/**
 * Returns why the state would be lost, or would be that of other stacks too; undefined when it is safe. `inUse` is what
 * the program reports, so it does not matter where the backend is declared.
 */
export function findBackendFault(inUse: BackendInUse | undefined, expected: ExpectedBackend): BackendFault | undefined {
  const { isYard, environment, folder, config } = expected;
  if (inUse === undefined) return missing(NOT_USED_TEXT);
  if (isYard) {
    const isOurs = inUse.type === "http" && listTexts(inUse.config).length === 0;
    return isOurs ? undefined : missing(`The program uses ${toBackendPlace(inUse, environment)}. ${OTHER_TEXT}`);
  }
  const place = listPlace(inUse, environment);
  const isLost = ({ value }: PlacePart) => !isAbsolute(value) || value.startsWith(folder + sep);
  if (inUse.type === "local" && place.filter(({ name }) => name !== "workspace").every(isLost)) {
    return missing(LOCAL_TEXT);
  }
  if (config.sharedState !== undefined || containsStack(place, expected)) return undefined;
  return { code: "TERRAFORM_BACKEND_SHARED", text: toSharedText(inUse, expected) };
}

function missing(text: string): BackendFault {
  return { code: "TERRAFORM_BACKEND_MISSING", text };
}

const NOT_USED_TEXT =
  "The program uses no backend, so the state would be removed with the folder of the run. " +
  "Nothing was changed. Check in which file the backend is declared, and whether this program reads that file.";

const OTHER_TEXT =
  "This is not the yard's own backend, although no other one was found in the files of the configuration. Nothing was changed.";

const LOCAL_TEXT =
  'The backend "local" writes into the folder of the run, which is removed after each run, and the state with it. ' +
  "Declare a remote backend, give an absolute path, or remove the block to use the yard's own state backend.";

/**
 * Returns true if the address contains the stack's id as a whole word. In what the task gives, which contains the id by
 * an expression, it may be between hyphens; in the configuration, `pr-1-db` is not the address of `pr-1`.
 */
function containsStack(place: readonly PlacePart[], { stackId, config }: ExpectedBackend): boolean {
  const encoded = encodeURIComponent(stackId);
  const forms = [stackId, encoded, stackId.replaceAll("%", "%25").replaceAll("/", "%2F")];
  return place.some(({ name, value }) => {
    const isGiven = Object.hasOwn(config.backend ?? {}, name);
    return forms.some((form) => containsWord(value, form, isGiven ? /[\p{L}\p{N}]/u : /[\p{L}\p{N}_-]/u));
  });
}

function containsWord(text: string, word: string, letter: RegExp): boolean {
  for (let at = text.indexOf(word); at !== -1; at = text.indexOf(word, at + 1)) {
    const [before, after] = [text.slice(0, at).slice(-1), text.charAt(at + word.length)];
    if (!letter.test(before) && !letter.test(after)) return true;
  }
  return false;
}

function toSharedText(inUse: BackendInUse, { stackId, environment }: ExpectedBackend): string {
  const name = BACKENDS.get(inUse.type)?.place[0];
  const isSettable = name !== undefined && name !== "workspaces";
  const key = isSettable ? `set \`backend: { ${name}: "…/\${stack.id}" }\` in the task's config, ` : "";
  return (
    `The state ${toBackendPlace(inUse, environment)} would be that of all stacks: its address does not contain the stack "${stackId}", ` +
    `so one stack would change and destroy what another has created. Nothing was changed. Remove the backend to use the yard's own, ` +
    `${key}or allow it by \`sharedState: <name>\`.`
  );
}
