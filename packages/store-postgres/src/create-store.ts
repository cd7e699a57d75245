import { readFile } from "node:fs/promises";
import { StackyardError } from "@stackyard/core";
import { type ProjectContext, parseStoreOptions } from "@stackyard/core/engine";
import { Type } from "typebox";
import { createPostgresStore, type PostgresStore } from "./create-postgres-store.ts";
import type { PostgresConnection, PostgresStoreOptions } from "./postgres-store-options.ts";

const Count = Type.Optional(Type.Integer({ minimum: 1 }));
const ProjectOptions = Type.Object(
  {
    // A text, a secret or a function; the value is checked where it is used.
    connection: Type.Optional(Type.Unknown()),
    schema: Type.Optional(Type.String()),
    tls: Type.Optional(
      Type.Union([
        ...["off", "prefer", "require", "verify-full"].map((mode) => Type.Literal(mode)),
        Type.Object({ mode: Type.Literal("verify-full"), ca: Type.String() }, { additionalProperties: false }),
      ]),
    ),
    maxConnections: Count,
    idleMs: Count,
    connectTimeoutMs: Count,
    statementTimeoutMs: Count,
    answerTimeoutMs: Count,
    applicationName: Type.Optional(Type.String({ maxLength: 63 })),
    migrate: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);

/**
 * Opens the store for `store: { type: "postgres", … }` of a project's configuration. Without `connection`, the server's
 * address comes from the environment: `DATABASE_URL`, the file in `DATABASE_URL_FILE`, or `POSTGRES_CONNECTION_SECRET`.
 * A file is read again after the server refused the credentials. Throws `CONFIG_INVALID` with every fault, and the
 * errors of `createPostgresStore`.
 */
export async function createStore(options: unknown, context: ProjectContext): Promise<PostgresStore> {
  const { connection, migrate = true, ...rest } = parseStoreOptions("postgres", ProjectOptions, options);
  return createPostgresStore({
    // `parseStoreOptions` has checked it against the schema of these very options.
    ...(rest as Omit<PostgresStoreOptions, "connection">),
    connection: toConnection(connection, context.environment),
    migrate: migrate && context.migrate,
    logger: context.logger,
  });
}

const WHERE =
  'Set DATABASE_URL to an address such as postgres://user:password@host:5432/database, or write `store: { type: "postgres", connection: … }`.';

/** Returns the configured connection, or that of the environment. */
function toConnection(given: unknown, environment: ProjectContext["environment"]): PostgresStoreOptions["connection"] {
  // The value is parsed before it is used.
  if (given !== undefined) return given as PostgresConnection;
  const address = environment["DATABASE_URL"] || undefined;
  if (address !== undefined) return address;
  const file = environment["DATABASE_URL_FILE"] || undefined;
  if (file !== undefined) return () => readConnection(file);
  const secret = environment["POSTGRES_CONNECTION_SECRET"]?.trim() || undefined;
  if (secret === undefined) throw new StackyardError("CONFIG_INVALID", `No Postgres server is named. ${WHERE}`);
  if (secret.startsWith("{")) return secret;
  const message = `POSTGRES_CONNECTION_SECRET names a secret; here it must hold the secret's JSON, as ECS injects it. ${WHERE}`;
  throw new StackyardError("CONFIG_INVALID", message);
}

async function readConnection(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new StackyardError("CONFIG_INVALID", `The file of DATABASE_URL_FILE cannot be read: ${why}.`, { cause });
  }
}
