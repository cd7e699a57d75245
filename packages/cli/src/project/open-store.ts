import { existsSync } from "node:fs";
import { join } from "node:path";
import { isStackyardError, type Logger, type StackyardError, type Store } from "@stackyard/core";
import { failWith } from "../shell/failure.ts";
import type { StoreChoice } from "./choose-store.ts";
import { importOwn } from "./import-own.ts";
import { offerOwnPackages } from "./own-packages.ts";
import { importFromProject, tellImportError } from "./project-module.ts";

/** What opening a store needs. */
export interface OpenStoreInput {
  readonly projectDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
  /** False: who only looks brings nothing up to date. Default: true. */
  readonly migrate?: boolean;
}

/**
 * Opens a project's store, which brings it up to date. Throws `STORE_LOCKED` with the owner, `CONFIG_INVALID` for a package
 * that is not there or is no store, and what the package throws.
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
  throw failWith("CONFIG_INVALID", `The store "${choice.name}" is none: \`createStore\` must resolve with a Store.`);
}

const ONE_PROCESS =
  'SQLite is for one process; several share Postgres: `store: "postgres"` in the configuration, from @stackyard/store-postgres.';

async function openSqlite(folder: string, { logger, migrate = true }: OpenStoreInput): Promise<Store> {
  const { createSqliteStore } = await import("@stackyard/store-sqlite");
  // The token is made after the store, so a folder with a token has had one.
  const token = join(folder, "token");
  try {
    return await createSqliteStore({ folder, logger, migrate, mustExist: existsSync(token) });
  } catch (error) {
    if (isStackyardError(error, "STORE_MISSING")) throw storeMissing(folder, token, error);
    if (!isStackyardError(error, "STORE_LOCKED")) throw error;
    throw failWith("STORE_LOCKED", error.message, { cause: error, hint: ONE_PROCESS });
  }
}

/** Shared by the commands that find a data folder with a token and without a store. */
export function storeMissing(folder: string, token: string, cause?: unknown): StackyardError {
  const message = `The store ${join(folder, "stackyard.db")} is missing or empty, but ${token} shows that there was one.`;
  const hint = [
    "Put the file back, or restore a backup with `stackyard restore FILE`; check `dataDir` and --project.",
    `Only to begin with an empty yard, which knows none of the existing environments: remove ${token}.`,
  ].join(" ");
  return failWith("STORE_MISSING", message, { hint, cause });
}

type Factory = (options: unknown, context: OpenStoreContext) => unknown;

interface OpenStoreContext {
  readonly projectDir: string;
  readonly environment: OpenStoreInput["env"];
  readonly logger: Logger;
  readonly migrate: boolean;
}

async function loadFactory({ name, use }: StoreChoice & { kind: "package" }, projectDir: string): Promise<Factory> {
  const { createStore } = await load({ name, use }, projectDir);
  if (typeof createStore === "function") return (options, context) => createStore(options, context);
  throw failWith("CONFIG_INVALID", `The store "${name}" is none: "${use}" does not export \`createStore\`.`);
}

async function load({ name, use }: { readonly name: string; readonly use: string }, projectDir: string) {
  offerOwnPackages();
  try {
    return await (name === use ? importFromProject(use, projectDir) : importOwn(use, projectDir));
  } catch (error) {
    const why = await tellImportError(error, use, projectDir);
    throw failWith("CONFIG_INVALID", `The store "${name}" cannot be loaded: ${why}`, { cause: error });
  }
}

// A package in plain JavaScript may give anything; what is wrong with it shall be told before work begins.
function isStore(value: unknown): value is Store {
  if (typeof value !== "object" || value === null) return false;
  const calls = ["load", "commit", "claim", "takeDue", "enqueue", "watch", "close"];
  return calls.every((name) => typeof Reflect.get(value, name) === "function") && "records" in value;
}
