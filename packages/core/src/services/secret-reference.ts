import { readFile } from "node:fs/promises";
import { Type } from "typebox";
import { StackyardError } from "../errors/stackyard-error.ts";
import type { SecretReference } from "../ports/plugin-service.ts";

const closed = { additionalProperties: false };

/** Schema of a reference to a secret, for options of plugins. A secret itself does not fit. */
export const SecretReferenceSchema = Type.Unsafe<SecretReference>(
  Type.Union(
    [
      Type.Object({ env: Type.String({ pattern: "^[A-Za-z_][A-Za-z0-9_]{0,127}$" }) }, closed),
      Type.Object({ file: Type.String({ minLength: 1, maxLength: 4_096 }) }, closed),
      Type.Object({ secret: Type.String({ pattern: "^arn:aws[a-z-]*:secretsmanager:[^\\s]{1,2000}$" }) }, closed),
    ],
    { expected: "{ env: NAME }, { file: PATH } or { secret: ARN }, never the secret itself" },
  ),
);

/** Where a process finds secrets. */
export interface SecretSources {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Returns an absolute path. */
  readonly resolvePath: (path: string) => string;
  /** Reads a secret of AWS Secrets Manager. */
  readonly readAwsSecret: (arn: string) => Promise<string>;
}

/** Returns the reader of a process. It keeps nothing: a secret that was replaced counts from the next call. */
export function createSecretReader(sources: SecretSources): (reference: SecretReference) => Promise<string> {
  return async (reference) => {
    const text = await readText(sources, reference);
    const secret = text?.trim();
    if (secret) return secret;
    const fault = text === undefined ? "is not set" : "contains no secret";
    throw new StackyardError("CONFIG_INVALID", `${formatPlace(reference)} ${fault}.`);
  };
}

async function readText(sources: SecretSources, reference: SecretReference): Promise<string | undefined> {
  if ("env" in reference) return sources.environment[reference.env];
  if ("secret" in reference) return sources.readAwsSecret(reference.secret);
  try {
    return await readFile(sources.resolvePath(reference.file), "utf8");
  } catch (cause) {
    throw new StackyardError("CONFIG_INVALID", `${formatPlace(reference)} cannot be read.`, { cause });
  }
}

function formatPlace(reference: SecretReference): string {
  if ("env" in reference) return `The variable ${reference.env}`;
  return "file" in reference ? `The file "${reference.file}"` : `The secret "${reference.secret}"`;
}
