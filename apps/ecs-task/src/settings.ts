import { GetSecretValueCommand, type SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { StackyardError } from "@stackyard/core";
import { type EnvironmentVariables, parseEnvironment, VARIABLE_FORMS } from "@stackyard/core/environment";
import { type Static, Type } from "typebox";

/** The variables that the app reads itself, in the order of its README. */
export const Variables = Type.Object({
  TABLE: Type.String({
    ...VARIABLE_FORMS.table,
    description: "the DynamoDB table of records: key `pk`, `sk` (strings), time to live `ttl`",
  }),
  STATE_MACHINE_ARN: Type.String({
    ...VARIABLE_FORMS.stateMachine,
    description: "the state machine that holds requests and waits for tasks",
  }),
  RESPONSE_URL_SECRET: Type.String({
    description:
      "name or ARN of a secret with a random text of 32 characters or more, which encrypts requests in the inputs of executions",
    maxLength: 2_048,
    expected: "the name or the ARN of a secret",
  }),
  PHYSICAL_ID: Type.Enum(["id", "taskArn"], {
    description: "`taskArn`: a run is answered with the ARN of its first task as physical id",
    default: "id",
  }),
});

/** @throws StackyardError `CONFIG_INVALID` that lists all problems, without values. */
export function parseSettings(environment: EnvironmentVariables): Static<typeof Variables> {
  return parseEnvironment(Variables, environment, { app: "ECS task function" });
}

/** A shorter text could be guessed. */
const MIN_LENGTH = 32;

/** Returns the text of a secret. Throws `CONFIG_INVALID` if it is too short. */
export async function loadSecret(client: SecretsManagerClient, secretId: string): Promise<string> {
  const { SecretString = "" } = await client.send(new GetSecretValueCommand({ SecretId: secretId }));
  if (SecretString.length >= MIN_LENGTH) return SecretString;
  throw new StackyardError(
    "CONFIG_INVALID",
    `The secret of RESPONSE_URL_SECRET has less than ${MIN_LENGTH} characters. Let Secrets Manager generate it.`,
  );
}
