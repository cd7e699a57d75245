import { GetSecretValueCommand, type SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { isMap, parseJson, StackyardError } from "@stackyard/core";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import { callAws } from "../call-aws.ts";

const Text = Type.String({ minLength: 1, maxLength: 4_096 });

/**
 * A database's secret in the form of RDS (Secrets Manager guide, "JSON structure of AWS Secrets Manager database credential
 * secrets"). Other keys are ignored.
 */
export const ConnectionSecret = Type.Object({
  username: Text,
  password: Type.String({ maxLength: 4_096 }),
  host: Text,
  dbname: Text,
  /** A text of digits is taken too. */
  port: Type.Union([Type.Integer({ minimum: 1, maximum: 65_535 }), Type.String({ pattern: "^[0-9]{1,5}$" })]),
});
export type ConnectionSecret = Static<typeof ConnectionSecret>;

/** Which secret is read. */
export interface ConnectionSecretOptions {
  readonly client: SecretsManagerClient;
  /** A name in the account and region of the client, or an ARN. */
  readonly secretId: string;
  /**
   * For fields missing in the secret: those that RDS manages contain only `username` and `password`. Default: port
   * 5432.
   */
  readonly defaults?: Partial<Pick<ConnectionSecret, "host" | "dbname" | "port">>;
}

const secret = Compile(ConnectionSecret);
const DEFAULT_PORT = 5432;

/**
 * Creates a function that loads a database's connection secret with each call, for the `connection` of
 * `createPostgresStore`, which calls it again when the server rejects the credentials, such as after a rotation. It
 * throws `CONFIG_INVALID` for a secret in another format, without showing it, `NOT_FOUND`, `FORBIDDEN` and other errors
 * of Secrets Manager.
 */
export function createConnectionSecret(options: ConnectionSecretOptions): () => Promise<ConnectionSecret> {
  const { secretId, defaults = {} } = options;
  return async () => {
    const fields = parseFields(await loadSecretText(options), secretId);
    const value = { port: DEFAULT_PORT, ...defaults, ...fields };
    if (secret.Check(value)) {
      const { username, password, host, dbname, port } = value;
      return { username, password, host, dbname, port };
    }
    const faults = secret.Errors(value).map(({ instancePath, message }) => `${instancePath || "/"} ${message}`);
    const form = '{"username","password","host","dbname","port"}';
    throw invalid(secretId, `It must be ${form}: ${[...new Set(faults)].join("; ")}.`);
  };
}

/** Returns the text of a secret. Throws `NOT_FOUND`, `FORBIDDEN` and other errors of Secrets Manager. */
export async function loadSecretText({
  client,
  secretId,
}: Pick<ConnectionSecretOptions, "client" | "secretId">): Promise<string> {
  const command = new GetSecretValueCommand({ SecretId: secretId });
  const policy = { what: `The secret "${secretId}" cannot be read.`, advice: ADVICE };
  const { SecretString, SecretBinary } = await callAws(() => client.send(command), policy);
  return SecretString ?? new TextDecoder().decode(SecretBinary);
}

function parseFields(text: string, secretId: string): object {
  // An error of JSON.parse would show a part of the secret.
  const value = parseJson(text);
  if (isMap(value)) return value;
  throw invalid(secretId, "It must be a JSON object.");
}

function invalid(secretId: string, why: string): StackyardError {
  return new StackyardError("CONFIG_INVALID", `The secret "${secretId}" is not a connection secret. ${why}`);
}

const ADVICE = {
  gone: "Look at its name, the region and the account; one of another account needs its whole ARN.",
  FORBIDDEN:
    "Allow secretsmanager:GetSecretValue on it, and kms:Decrypt on its key where that is not the account's default.",
};
