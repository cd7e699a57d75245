import {
  DynamodbVariables,
  type EnvironmentVariables,
  PostgresVariables,
  readEnvironment,
  SharedVariables,
} from "@stackyard/core/environment";
import { type Static, Type } from "typebox";

function text(description: string) {
  return Type.Optional(Type.String({ description }));
}

const {
  STACKYARD_ARTIFACTS_BUCKET,
  STACKYARD_ARTIFACTS_PREFIX,
  STACKYARD_CUSTOM_RESOURCES,
  STACKYARD_DISTRIBUTOR,
  STACKYARD_S3_ENCRYPTION,
  STACKYARD_SEAL_KEY,
  STACKYARD_SEAL_KMS_KEY,
  STACKYARD_YARD,
  YARD_NAME,
} = SharedVariables.properties;

/** The variables that contain tokens. Tasks do not see them. */
export const TokenVariables = Type.Object({
  STACKYARD_TOKEN: text("The token for the server that commands use, or that stores the Terraform states of a worker"),
  STACKYARD_API_TOKENS: text("The names and tokens that `stackyard server` accepts: `ada=<token>,ci=<another>`"),
  STACKYARD_API_TOKENS_FILE: text("The path of a file with the same value, optionally one entry per line"),
  STACKYARD_ID_TOKEN: text(
    "The ID token of a CI job, such as one of GitLab's `id_tokens`, which commands exchange for a session at the server",
  ),
  STACKYARD_SEAL_KEY,
  STACKYARD_SEAL_KEY_FILE: text("The path of a file with the same value"),
  OIDC_CLIENT_SECRET: text("The secret of the client `access.people.clientId`; without it, the client is public"),
  OIDC_CLIENT_SECRET_FILE: text("The path of a file with the same value"),
});

/** The variables that commands, servers and workers read. */
export const CliVariables = Type.Object({
  STACKYARD_URL: text(
    "The address of the server that commands use instead of the project's own; for a worker, the server that stores Terraform states",
  ),
  STACKYARD_YARD,
  STACKYARD_CUSTOM_RESOURCES,
  STACKYARD_DISTRIBUTOR,
  STACKYARD_ARTIFACTS_BUCKET,
  STACKYARD_ARTIFACTS_PREFIX,
  STACKYARD_S3_ENCRYPTION,
  STACKYARD_SEAL_KMS_KEY,
  YARD_NAME,
  ...TokenVariables.properties,
  ...PostgresVariables.properties,
  ...DynamodbVariables.properties,
  NO_COLOR: text("Any text turns colors off"),
  FORCE_COLOR: text("Any text except `0` turns colors on, also where the output is not a terminal"),
  STACKYARD_DEBUG: text("`1` prints more log lines, and the stack trace of an error"),
});

/** Reads these variables. An empty one is treated as not set. */
export function readVariables(env: EnvironmentVariables): Static<typeof CliVariables> {
  return readEnvironment(CliVariables, env).values;
}
