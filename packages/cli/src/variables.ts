import { type EnvironmentVariables, readEnvironment } from "@stackyard/core/environment";
import { type Static, Type } from "typebox";

function text(description: string) {
  return Type.Optional(Type.String({ description }));
}

/** The variables of a Postgres database. `@stackyard/store-postgres` reads their values. */
export const PostgresVariables = Type.Object({
  DATABASE_URL: text(
    "For the store `postgres`: `postgres://user:password@host:5432/database?sslmode=verify-full`, or the JSON of a connection secret",
  ),
  DATABASE_URL_FILE: text(
    "The path of a file with the same value, such as a mounted secret; it is read again when the server rejects the credentials",
  ),
  POSTGRES_CONNECTION_SECRET: text(
    "The JSON of a connection secret (`username`, `password`, `host`, `dbname`, `port`), as ECS injects it",
  ),
});

/** The variables that contain tokens. Tasks do not see them. */
export const TokenVariables = Type.Object({
  STACKYARD_TOKEN: text("The token for the server that commands use, or that stores the Terraform states of a worker"),
  STACKYARD_API_TOKENS: text("The names and tokens that `stackyard server` accepts: `ada=<token>,ci=<another>`"),
  STACKYARD_API_TOKENS_FILE: text("The path of a file with the same value, optionally one entry per line"),
  STACKYARD_ID_TOKEN: text(
    "The ID token of a CI job, such as one of GitLab's `id_tokens`, which commands exchange for a session at the server",
  ),
  STACKYARD_SEAL_KEY: text(
    "Keys that encrypt what is stored for later, such as saved Terraform plans: 32 bytes in base64 each, separated by commas, the newest first",
  ),
  STACKYARD_SEAL_KEY_FILE: text("The path of a file with the same value"),
  OIDC_CLIENT_SECRET: text("The secret of the client `access.people.clientId`; without it, the client is public"),
  OIDC_CLIENT_SECRET_FILE: text("The path of a file with the same value"),
});

/** The variables that commands, servers and workers read. */
export const CliVariables = Type.Object({
  STACKYARD_URL: text(
    "The address of the server that commands use instead of the project's own; for a worker, the server that stores Terraform states",
  ),
  STACKYARD_YARD: text("The yard of the configuration that commands use when `STACKYARD_URL` is not set"),
  STACKYARD_DISTRIBUTOR: text(
    "The name or ARN of the distributor's function, for the commands of artifacts and for servers; overrides `distributor` of the configuration",
  ),
  STACKYARD_SEAL_KMS_KEY: text(
    "Instead of `STACKYARD_SEAL_KEY`: the ARN of a symmetric KMS key, whose data keys encrypt; several are separated by commas, the newest first",
  ),
  YARD_NAME: text(
    "The name of the yard in the encryption context of KMS and in the tags of resources. Default: `main`",
  ),
  ...TokenVariables.properties,
  ...PostgresVariables.properties,
  NO_COLOR: text("Any text turns colors off"),
  FORCE_COLOR: text("Any text except `0` turns colors on, also where the output is not a terminal"),
  STACKYARD_DEBUG: text("`1` prints more log lines, and the stack trace of an error"),
});

/** Reads these variables. An empty one is treated as not set. */
export function readVariables(env: EnvironmentVariables): Static<typeof CliVariables> {
  return readEnvironment(CliVariables, env).values;
}
