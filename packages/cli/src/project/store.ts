import { existsSync } from "node:fs";
import { join } from "node:path";
import { CONFIG_DEFAULTS, isStackyardError, type Logger, type StackyardError, type Store } from "@stackyard/core";
import { DynamodbVariables, PostgresVariables } from "@stackyard/core/environment";
import { failWith } from "../failure.ts";
import { formatInstall } from "../own-packages.ts";
import { TokenVariables } from "../variables.ts";
import { type ConfigFile, dataDirOf } from "./config.ts";
import { formatImportError, importFromProject, importOwn, offerOwnPackages } from "./modules.ts";

/** The store of a project: the embedded one in a folder, or one from a package. */
export type StoreChoice =
  | { readonly kind: "sqlite"; readonly folder: string }
  | {
      readonly kind: "package";
      /** As people name it: `postgres`, `dynamodb`, or the package itself. */
      readonly name: string;
      /** The package, or a path. */
      readonly use: string;
      readonly options: Readonly<Record<string, unknown>>;
    };

type Environment = Readonly<Record<string, string | undefined>>;

const PACKAGES: Readonly<Record<string, string>> = {
  postgres: "@stackyard/store-postgres",
  dynamodb: "@stackyard/store-dynamodb",
};
/** Each names a Postgres server; the package reads them. */
const POSTGRES_VARIABLES = Object.keys(PostgresVariables.properties);

/** Returns the store of the configuration; the embedded one by default. Throws `CONFIG_INVALID`. */
export function chooseStore(file: ConfigFile): StoreChoice {
  const { store = CONFIG_DEFAULTS.store } = file.config;
  const { type, ...options } = typeof store === "string" ? { type: store } : store;
  if (type !== "sqlite") return { kind: "package", name: type, use: PACKAGES[type] ?? type, options };
  const [option] = Object.keys(options);
  if (option === undefined) return { kind: "sqlite", folder: dataDirOf(file) };
  throw failWith("CONFIG_INVALID", `store.${option}: the store "sqlite" has no options.`, {
    hint: "Set its folder in `dataDir`, next to `store`.",
  });
}

/**
 * Returns the store of a process that shares its yard. Without `store` in the configuration, the environment may name a
 * Postgres server: for servers and workers that is intended; in a developer's shell it may be any database.
 */
export function chooseSharedStore(file: ConfigFile, env: Environment): StoreChoice {
  if (findStoreVariable(file, env) === undefined) return chooseStore(file);
  return chooseStore({ ...file, config: { ...file.config, store: "postgres" } });
}

/** Returns the variable that selects the store when the configuration has none; undefined when no variable does. */
export function findStoreVariable({ config }: ConfigFile, env: Environment): string | undefined {
  if (config.store !== undefined) return undefined;
  return POSTGRES_VARIABLES.find((name) => (env[name] ?? "") !== "");
}

/** Returns the environment for tasks. Without tokens and store variables, which give access to the whole yard. */
export function toTaskEnvironment(env: Environment, choice: StoreChoice): Environment {
  const hidden = new Set<string>([...TOKEN_VARIABLES, ...listStoreVariables(choice), ...listDriverVariables(choice)]);
  return Object.fromEntries(Object.entries(env).filter(([name]) => !hidden.has(name)));
}

/**
 * Removes the variables that tasks must not see from this process's environment once they have been read: a plugin may
 * start a program with the environment of the process. Keeps those that the database driver reads for each connection.
 * On Linux `/proc/<pid>/environ` still shows the original environment.
 */
export function forgetSecrets(env: Record<string, string | undefined>, choice: StoreChoice): void {
  for (const name of [...TOKEN_VARIABLES, ...listStoreVariables(choice)]) delete env[name];
}

const TOKEN_VARIABLES = Object.keys(TokenVariables.properties);

function listStoreVariables(choice: StoreChoice): readonly string[] {
  if (choice.kind === "sqlite") return [];
  if (choice.name === "dynamodb") return Object.keys(DynamodbVariables.properties);
  // A custom store may also use Postgres.
  return POSTGRES_VARIABLES;
}

/** Returns libpq's variables for a password and a password file, which Postgres drivers support too. */
function listDriverVariables(choice: StoreChoice): readonly string[] {
  return choice.kind === "sqlite" || choice.name === "dynamodb" ? [] : ["PGPASSWORD", "PGPASSFILE"];
}

/** The hint when several processes need a store that only one may write. */
export const formatSharedStoreHint = (): string =>
  `Use Postgres: \`${formatInstall(["@stackyard/store-postgres"])}\`, write \`store: "postgres"\` into the configuration and set DATABASE_URL. Or let one process do everything: \`stackyard server --with-worker\`.`;

/** The input of opening a store. */
export interface OpenStoreInput {
  readonly projectDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
  /** False to open it without a migration, for read-only use. Default: true. */
  readonly migrate?: boolean;
}

/**
 * Opens a project's store and migrates it. Throws `STORE_LOCKED` with the owner, `CONFIG_INVALID` for a package that is
 * missing or invalid, and the errors of the package.
 */
export async function openStore(choice: StoreChoice, input: OpenStoreInput): Promise<Store> {
  if (choice.kind === "sqlite") return openSqlite(choice.folder, input);
  const { projectDir, env, logger, migrate = true } = input;
  const createStore = await loadFactory(choice, projectDir);
  try {
    const store: unknown = await createStore(choice.options, { projectDir, environment: env, logger, migrate });
    if (isStore(store)) return store;
  } catch (error) {
    if (isStackyardError(error)) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw failWith("STORE_UNAVAILABLE", `The store "${choice.name}" cannot be opened: ${why}`, { cause: error });
  }
  throw failWith("CONFIG_INVALID", `"${choice.name}" is not a store: \`createStore\` must resolve with a Store.`);
}

const ONE_PROCESS =
  'SQLite is for one process; several share Postgres: `store: "postgres"` in the configuration, from @stackyard/store-postgres.';

async function openSqlite(folder: string, { logger, migrate = true }: OpenStoreInput): Promise<Store> {
  const { createSqliteStore } = await import("@stackyard/store-sqlite");
  // The token is created after the store, so a folder with a token has had a store.
  const token = join(folder, "token");
  try {
    return await createSqliteStore({ folder, logger, migrate, mustExist: existsSync(token) });
  } catch (error) {
    if (isStackyardError(error, "STORE_MISSING")) throw storeMissing(folder, token, error);
    if (!isStackyardError(error, "STORE_LOCKED")) throw error;
    throw failWith("STORE_LOCKED", error.message, { cause: error, hint: ONE_PROCESS });
  }
}

/** Creates the error of a data folder with a token but no store, for all commands. */
export function storeMissing(folder: string, token: string, cause?: unknown): StackyardError {
  const message = `The store ${join(folder, "stackyard.db")} is missing or empty, but ${token} shows that there was one.`;
  const hint = [
    "Put the file back, or restore a backup with `stackyard restore FILE`; check `dataDir` and --project.",
    `Only to begin with an empty yard, which knows none of the existing environments: remove ${token}.`,
  ].join(" ");
  return failWith("STORE_MISSING", message, { hint, cause });
}

type Factory = (options: unknown, context: Readonly<Record<string, unknown>>) => unknown;

async function loadFactory({ name, use }: StoreChoice & { kind: "package" }, projectDir: string): Promise<Factory> {
  const { createStore } = await load({ name, use }, projectDir);
  if (typeof createStore === "function") return (options, context) => createStore(options, context);
  throw failWith("CONFIG_INVALID", `"${name}" is not a store: "${use}" does not export \`createStore\`.`);
}

async function load({ name, use }: { readonly name: string; readonly use: string }, projectDir: string) {
  offerOwnPackages();
  try {
    return await (name === use ? importFromProject(use, projectDir) : importOwn(use, projectDir));
  } catch (error) {
    const why = await formatImportError(error, use, projectDir);
    throw failWith("CONFIG_INVALID", `The store "${name}" cannot be loaded: ${why}`, { cause: error });
  }
}

// A package in plain JavaScript may return anything; it is validated before work begins.
function isStore(value: unknown): value is Store {
  if (typeof value !== "object" || value === null) return false;
  const calls = ["load", "commit", "claim", "takeDue", "enqueue", "watch", "close"];
  return calls.every((name) => typeof Reflect.get(value, name) === "function") && "records" in value;
}
