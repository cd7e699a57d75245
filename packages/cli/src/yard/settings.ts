import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type AwsAccess, toArnPart } from "@stackyard/aws";
import type { StackyardConfig } from "@stackyard/core";
import { areTokensOpen } from "@stackyard/core/access";
import { systemClock } from "@stackyard/core/engine";
import {
  type EngineSettings,
  EngineVariables,
  type EnvironmentVariables,
  findSealFaults,
  parseEnvironment,
  readYardName,
  SharedVariables,
  toEngineSettings,
  VARIABLE_FORMS,
} from "@stackyard/core/environment";
import { createSealer, parseSealKeys, type Sealer } from "@stackyard/core/services";
import { Type } from "typebox";
import { failWith } from "../failure.ts";
import { readVariables, TokenVariables } from "../variables.ts";

/** The variables of an engine that uses its store as the queue, so events are not redelivered. */
export const YardVariables = Type.Object({
  ...EngineVariables.properties,
  REFUSED_EVENTS: Type.Enum(["park", "drop"], {
    description: "What happens to events that a stack refuses for now: `park` retries them, `drop` only records them",
    expected: "park or drop; redeliver is for queues that keep no order",
    default: "park",
  }),
});

/** @throws StackyardError `CONFIG_INVALID` that lists all problems. */
export function parseEngineSettings(env: EnvironmentVariables): EngineSettings {
  return toEngineSettings(parseEnvironment(YardVariables, env, { app: "yard" }));
}

const YardName = Type.Object({ YARD_NAME: Type.Optional(Type.String(VARIABLE_FORMS.yard)) });

/**
 * Returns the name of the yard that people see: the one of the command, else of the environment, else undefined. Throws
 * `CONFIG_INVALID`, which does not show the name.
 */
export function parseYardName(env: EnvironmentVariables, given: string | undefined): string | undefined {
  if (given === undefined) return parseEnvironment(YardName, env, { app: "yard" }).YARD_NAME;
  if (new RegExp(VARIABLE_FORMS.yard.pattern).test(given)) return given;
  throw failWith("CONFIG_INVALID", `--yard-name must be ${VARIABLE_FORMS.yard.expected}.`);
}

/** A secret that grants access, and its name in histories. */
export interface ApiToken {
  readonly name: string;
  readonly token: string;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/;
const SECRET = /^[\x21-\x2b\x2d-\x7e]{16,256}$/;

/**
 * Loads the tokens of `STACKYARD_API_TOKENS` (`ada=secret,ci=other`; one name may have two, while one replaces the
 * other) and of the file `STACKYARD_API_TOKENS_FILE`. Returns an empty list when neither is set. Throws
 * `CONFIG_INVALID` that shows no secret.
 */
export async function loadApiTokens(env: EnvironmentVariables): Promise<readonly ApiToken[]> {
  const { STACKYARD_API_TOKENS: text = "", STACKYARD_API_TOKENS_FILE: path } = readVariables(env);
  const inFile = path === undefined ? [] : parseApiTokens(await readSecret(path, "STACKYARD_API_TOKENS_FILE"), path);
  return [...parseApiTokens(text, "STACKYARD_API_TOKENS"), ...inFile];
}

/**
 * Returns a warning that names the configured tokens without a grant next to a configuration of access, such as after an edit, and
 * says what each may do.
 */
export function findGrantWarning(
  { access }: Pick<StackyardConfig, "access">,
  tokens: readonly Pick<ApiToken, "name">[],
): string | undefined {
  const { grants = [] } = access ?? {};
  const named = new Set(grants.map(({ to }) => to.token));
  const unnamed = [...new Set(tokens.map(({ name }) => name))].filter((name) => !named.has(name));
  if (access === undefined || unnamed.length === 0) return undefined;
  const what = areTokensOpen(grants) ? "everything" : "nothing";
  return `No grant names these configured tokens, so they may do ${what}: ${unnamed.map((name) => `"${name}"`).join(", ")}.`;
}

/** The remedy for tokens without a grant. */
export const GRANT_HINT = 'Add a grant to access.grants, such as { to: { token: "NAME" }, role: "viewer" }.';

/** Reads a list of tokens, separated by commas or white space; ignores lines that begin with `#`. */
export function parseApiTokens(text: string, from: string): readonly ApiToken[] {
  const items = text
    .replaceAll(/^[^\S\n]*#.*$/gm, "")
    .split(/[\s,]+/)
    .filter((item) => item !== "");
  const tokens = items.map((item, index) => parseToken(item, `Token ${index + 1} of ${from}`));
  const names = new Map(tokens.map(({ name, token }) => [token, name]));
  const stolen = tokens.find(({ name, token }) => names.get(token) !== name);
  if (stolen === undefined) return tokens;
  throw invalidApiTokens(`${from} gives "${stolen.name}" and "${names.get(stolen.token)}" the same token.`);
}

function parseToken(item: string, what: string): ApiToken {
  const equals = item.indexOf("=");
  if (equals < 0) throw invalidApiTokens(`${what} has no name. Write it as name=token.`);
  const [name, token] = [item.slice(0, equals), item.slice(equals + 1)];
  if (!NAME.test(name)) {
    throw invalidApiTokens(
      `${what} has an invalid name: use 1 to 64 letters, digits and . _ @ -, beginning with a letter or digit.`,
    );
  }
  // Its name is not shown: a token that ends with "=" and has no name looks like one.
  if (!SECRET.test(token))
    throw invalidApiTokens(`${what} must have 16 to 256 visible ASCII characters after its name.`);
  return { name, token };
}

async function readSecret(path: string, variable: string): Promise<string> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    throw failWith("CONFIG_INVALID", `The file of ${variable} cannot be read: ${why}`, { cause: error });
  });
  if (text.trim() === "") throw failWith("CONFIG_INVALID", `The file of ${variable} is empty: ${path}.`);
  return text;
}

function invalidApiTokens(message: string): Error {
  return failWith("CONFIG_INVALID", message, {
    hint: "Generate a token with `openssl rand -base64 32`, then set STACKYARD_API_TOKENS=ada=<token>,ci=<another>.",
  });
}

/**
 * Loads the secret of the client `access.people.clientId` from `OIDC_CLIENT_SECRET` or the file
 * `OIDC_CLIENT_SECRET_FILE`; returns undefined for a public client. Throws `CONFIG_INVALID`.
 */
export async function loadClientSecret(env: EnvironmentVariables): Promise<string | undefined> {
  const { OIDC_CLIENT_SECRET: given, OIDC_CLIENT_SECRET_FILE: path } = readVariables(env);
  return loadSecret("OIDC_CLIENT_SECRET", given, path);
}

const { STACKYARD_SEAL_KEY, STACKYARD_SEAL_KEY_FILE } = TokenVariables.properties;
const { STACKYARD_SEAL_KMS_KEY } = SharedVariables.properties;
const SealVariables = Type.Object({ STACKYARD_SEAL_KEY, STACKYARD_SEAL_KEY_FILE, STACKYARD_SEAL_KMS_KEY });

/** Where keys come from that the environment does not contain. */
interface SealerDeps {
  /** Creates access to AWS in a region. */
  readonly createAws: (region: string) => AwsAccess;
  /** The folder with its own key, created on first use when the environment names none. */
  readonly dataDir?: string | undefined;
  /** Called before this key is created. */
  readonly onNewKey?: () => Promise<void>;
}

/**
 * Loads the sealer with the keys of `STACKYARD_SEAL_KEY`, of the file `STACKYARD_SEAL_KEY_FILE`, or of KMS in
 * `STACKYARD_SEAL_KMS_KEY`; returns undefined without any. Throws `CONFIG_INVALID`, which shows no key.
 */
export async function loadSealer(env: EnvironmentVariables, deps: SealerDeps): Promise<Sealer | undefined> {
  const settings = parseEnvironment(SealVariables, env, { app: "yard", check: findSealFaults });
  const { STACKYARD_SEAL_KEY: given, STACKYARD_SEAL_KEY_FILE: path, STACKYARD_SEAL_KMS_KEY: keyArns } = settings;
  const keys = await loadSecret("STACKYARD_SEAL_KEY", given, path);
  if (keys !== undefined) return createSealer(parseSealKeys(keys, "STACKYARD_SEAL_KEY"));
  if (keyArns.length > 0) return loadKmsSealer(keyArns, env, deps);
  if (deps.dataDir === undefined) return undefined;
  const file = join(deps.dataDir, "seal-key");
  if (existsSync(file)) return createSealer(parseSealKeys(await readFile(file, "utf8"), file));
  await deps.onNewKey?.();
  return createOwnSealer(file);
}

async function loadKmsSealer(
  keyArns: readonly string[],
  env: EnvironmentVariables,
  { createAws }: SealerDeps,
): Promise<Sealer> {
  const yard = readYardName(env);
  const [{ KMSClient }, { createKmsSealer }] = await Promise.all([
    import("@aws-sdk/client-kms"),
    import("@stackyard/aws/kms"),
  ]);
  const client = createAws(toArnPart(keyArns[0] ?? "", 3)).client(KMSClient, undefined);
  return createKmsSealer({ client, keyArns, yard, clock: systemClock });
}

async function createOwnSealer(file: string): Promise<Sealer> {
  const { ensureSecret } = await import("@stackyard/server");
  return createSealer(parseSealKeys(await ensureSecret(file), file));
}

async function loadSecret(
  variable: string,
  given: string | undefined,
  path: string | undefined,
): Promise<string | undefined> {
  if (path === undefined) return given;
  if (given !== undefined) {
    throw failWith("CONFIG_INVALID", `${variable} and ${variable}_FILE are both set.`, { hint: "Unset one of them." });
  }
  const text = (await readSecret(path, `${variable}_FILE`)).trim();
  if (text !== "") return text;
  throw failWith("CONFIG_INVALID", `The file of ${variable}_FILE, "${path}", is empty.`);
}
