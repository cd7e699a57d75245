import { Type } from "typebox";
import { type EnvironmentVariables, type GivenVariables, parseEnvironment } from "./environment.ts";
import { VARIABLE_FORMS } from "./variable-forms.ts";

function text(description: string) {
  return Type.Optional(Type.String({ description }));
}

/** Variables that more than one package reads or documents. */
export const SharedVariables = Type.Object({
  LOG_LEVEL: Type.Enum(["debug", "info", "warn", "error"], {
    description: "The lowest level that is logged: `debug`, `info`, `warn` or `error`",
    default: "info",
  }),
  YARD_NAME: Type.String({
    ...VARIABLE_FORMS.yard,
    description: "The name of the yard in role sessions, tags of resources, metrics and the encryption context of KMS",
    default: "main",
  }),
  STACKYARD_YARD: text("The yard of the configuration that commands use when `STACKYARD_URL` is not set"),
  STACKYARD_DISTRIBUTOR: text(
    "The name or ARN of the distributor's function, for the commands of artifacts and for servers; overrides `distributor` of the configuration",
  ),
  STACKYARD_CUSTOM_RESOURCES: text(
    "The table of the function behind `Custom::ECSTask`, for servers; overrides `customResources` of the configuration",
  ),
  STACKYARD_ARTIFACTS_BUCKET: text("The distributor's bucket, for the commands of artifacts"),
  STACKYARD_ARTIFACTS_PREFIX: text("The prefix of all keys in this bucket. Default: none"),
  STACKYARD_S3_ENCRYPTION: Type.Optional(
    Type.String({
      ...VARIABLE_FORMS.uploadEncryption,
      description:
        "The encryption that each upload to S3 names in its headers, where policies deny uploads without: `AES256`, `aws:kms` for the account's key for S3, or the ARN of a key. Default: no header, so the bucket's own default encryption applies",
    }),
  ),
  STACKYARD_SEAL_KEY: text(
    "Keys that seal sensitive values in the store, and saved Terraform plans: 32 random bytes in base64 each, separated by commas, the newest first",
  ),
  STACKYARD_SEAL_KMS_KEY: Type.Array(Type.String({ pattern: VARIABLE_FORMS.key.pattern }), {
    description:
      "Instead of `STACKYARD_SEAL_KEY`: the ARN of a symmetric KMS key, whose data keys encrypt; several are separated by commas, the newest first",
    maxItems: 8,
    expected: "ARNs of keys with commas between them, such as arn:aws:kms:eu-west-1:111122223333:key/ID",
    default: [],
  }),
});

/** Returns the name of the yard in the environment. Throws `CONFIG_INVALID` for an invalid one. */
export function readYardName(environment: EnvironmentVariables): string {
  const { YARD_NAME } = SharedVariables.properties;
  return parseEnvironment(Type.Object({ YARD_NAME }), environment, { app: "yard" }).YARD_NAME;
}

/** Returns a sentence if the keys that encrypt are named twice: by themselves or their file, and in KMS. */
export function findSealFaults(
  given: Pick<GivenVariables<typeof SharedVariables.properties>, "STACKYARD_SEAL_KEY" | "STACKYARD_SEAL_KMS_KEY"> & {
    readonly STACKYARD_SEAL_KEY_FILE?: string | undefined;
  },
): readonly string[] {
  const names = ["STACKYARD_SEAL_KEY", "STACKYARD_SEAL_KEY_FILE"] as const;
  const own = names.find((name) => given[name] !== undefined);
  if (own === undefined || given.STACKYARD_SEAL_KMS_KEY === undefined) return [];
  return [`${own} and STACKYARD_SEAL_KMS_KEY are both set. Unset one of them.`];
}

/** The variables of a Postgres database that commands, servers and workers use. */
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

/** The variables of a store in DynamoDB. */
export const DynamodbVariables = Type.Object({
  DYNAMODB_TABLE: Type.Optional(
    Type.String({ ...VARIABLE_FORMS.table, description: "For the store `dynamodb`: the table of stacks" }),
  ),
  DYNAMODB_WORK_TABLE: Type.Optional(
    Type.String({
      ...VARIABLE_FORMS.table,
      description: "For the store `dynamodb`: the table of all other records. Default: `<DYNAMODB_TABLE>-work`",
    }),
  ),
});
