import { type Logger, StackyardError, silentLogger } from "@stackyard/core";
import type { ConnectionSecret, TlsMode } from "./parse-connection.ts";

/** An address (`postgres://user:password@host:5432/database?sslmode=…`), a secret, or the JSON of one. */
export type PostgresConnection = string | ConnectionSecret;

/** How connections are encrypted. `ca`: PEM of the authorities that may have signed the server's certificate. */
export type PostgresTls = TlsMode | { readonly mode: "verify-full"; readonly ca: string };

/** How a store is opened. */
export interface PostgresStoreOptions {
  /** A function is called again after the server refused the credentials: they may have been rotated. */
  readonly connection: PostgresConnection | (() => PostgresConnection | Promise<PostgresConnection>);
  /** The schema of tables and functions. Lower-case letters, digits and `_`. Default: `stackyard`. */
  readonly schema?: string;
  /** Default: that of the address, else `prefer`. */
  readonly tls?: PostgresTls;
  /** Connections at most, besides one that listens. Default: 10. */
  readonly maxConnections?: number;
  /** An idle connection is closed after so long. Default: 30 s. */
  readonly idleMs?: number;
  /** Default: 10 s. */
  readonly connectTimeoutMs?: number;
  /** The server ends a statement that takes longer. Default: 30 s. */
  readonly statementTimeoutMs?: number;
  /**
   * Reads, lists and single writes fail with `STORE_UNAVAILABLE` when the server has not responded after this time, the
   * wait for a connection included: a frozen server does not block callers. Commits of the engine and calls of workers
   * may take `statementTimeoutMs`. Default: 5 s.
   */
  readonly answerTimeoutMs?: number;
  /** As the server lists the connections. Default: `stackyard`. */
  readonly applicationName?: string;
  /** `false`: the schema must be there and up to date (`migratePostgresStore`). Default: true. */
  readonly migrate?: boolean;
  /** Calls that share one statement at most. Default: 256. 1: each has its own, for measuring. */
  readonly maxGroup?: number;
  /** Default: none. */
  readonly logger?: Logger;
}

const DEFAULTS = {
  schema: "stackyard",
  maxConnections: 10,
  idleMs: 30_000,
  connectTimeoutMs: 10_000,
  statementTimeoutMs: 30_000,
  answerTimeoutMs: 5_000,
  applicationName: "stackyard",
  migrate: true,
  maxGroup: 256,
  logger: silentLogger,
};

const COUNTS = [
  "maxConnections",
  "idleMs",
  "connectTimeoutMs",
  "statementTimeoutMs",
  "answerTimeoutMs",
  "maxGroup",
] as const;

/** Options with their defaults. */
export type StoreSettings = PostgresStoreOptions & Required<Omit<PostgresStoreOptions, "tls">>;

/** Throws `CONFIG_INVALID` for values that cannot work. */
export function toSettings(options: PostgresStoreOptions): StoreSettings {
  const settings = { ...DEFAULTS, ...options };
  if (!isSchemaName(settings.schema)) {
    const message = `Invalid schema ${JSON.stringify(settings.schema)}. Use at most 41 lower-case letters, digits and "_".`;
    throw new StackyardError("CONFIG_INVALID", message);
  }
  for (const name of COUNTS) {
    if (Number.isSafeInteger(settings[name]) && settings[name] > 0) continue;
    throw new StackyardError("CONFIG_INVALID", `${name} must be a whole number above 0.`);
  }
  return settings;
}

const SCHEMA_NAME = /^[a-z_][a-z0-9_]{0,40}$/;

/** Returns true for a name that needs no quotes and leaves room for the names of channels. */
export function isSchemaName(name: string): boolean {
  return SCHEMA_NAME.test(name);
}

/** A row of `stacks` without a valid stack, and why. */
export interface UnreadableStack {
  readonly stackId: string;
  readonly reason: string;
}
