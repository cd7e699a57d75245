import { GetSecretValueCommand, type SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { StackyardError } from "@stackyard/core";
import { checkEnvironment, type EnvironmentVariable, type EnvironmentVariables } from "@stackyard/core/environment";

/** The settings of the app. */
interface Settings {
  readonly table: string;
  readonly stateMachineArn: string;
  readonly secretId: string;
  readonly physicalId: "id" | "taskArn";
}

/** The variables that the app reads itself, in the order of its README. */
export const VARIABLES = {
  TABLE: {
    meaning: "the DynamoDB table of records: key `pk`, `sk` (strings), time to live `ttl`",
    pattern: /^[a-zA-Z0-9_.-]{3,255}$/,
    must: "be the name of a DynamoDB table",
    isRequired: true,
  },
  STATE_MACHINE_ARN: {
    meaning: "the state machine that waits for tasks",
    pattern: /^arn:aws[a-z-]*:states:[a-z0-9-]+:\d{12}:stateMachine:.+$/,
    must: "be the ARN of a state machine",
    isRequired: true,
  },
  RESPONSE_URL_SECRET: {
    meaning: "name or ARN of a secret with a random text of 32 characters or more, which hides requests in the table",
    pattern: /^.{1,2048}$/,
    must: "be the name or the ARN of a secret",
    isRequired: true,
  },
  PHYSICAL_ID: {
    meaning: "`taskArn`: a run is answered with the ARN of its first task as physical id. Default: `id`",
    pattern: /^(id|taskArn)$/,
    must: "be id or taskArn",
    isRequired: false,
  },
} as const satisfies Readonly<Record<string, EnvironmentVariable>>;

/** Parses them. Throws one `CONFIG_INVALID` that lists all problems, without values. */
export function parseSettings(environment: EnvironmentVariables): Settings {
  checkEnvironment(environment, VARIABLES);
  const { TABLE = "", STATE_MACHINE_ARN = "", RESPONSE_URL_SECRET = "", PHYSICAL_ID } = environment;
  return {
    table: TABLE,
    stateMachineArn: STATE_MACHINE_ARN,
    secretId: RESPONSE_URL_SECRET,
    physicalId: PHYSICAL_ID === "taskArn" ? "taskArn" : "id",
  };
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
