import type { AwsAccess } from "@stackyard/aws";
import { type Clock, defined, type Logger, type Store } from "@stackyard/core";
import type { StoreChoice } from "./environment.ts";

/** Dependencies of opening a store. */
export interface OpenStoreDeps {
  readonly aws: AwsAccess;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Connections to a database at most; each function instance has its own. Default: 4. */
  readonly maxConnections?: number;
  /** True: who only looks makes no table and brings no schema up to date. Default: false. */
  readonly asItIs?: boolean;
}

/** A store with its additional functions. */
export interface OpenedStore extends Store {
  /** As `takeDue`, but only what this process has queued itself a short while ago. */
  readonly takeOwn?: Store["takeDue"];
}

const DEFAULT_CONNECTIONS = 4;

/**
 * Opens the yard's store; only its own package and SDK are loaded. The work table of DynamoDB is created when it is
 * missing and the role may do that. Throws `CONFIG_INVALID`, `STORE_UNAVAILABLE`, and errors of reading the secret.
 */
export function openStore(choice: StoreChoice, deps: OpenStoreDeps): Promise<OpenedStore> {
  return choice.kind === "dynamodb" ? openDynamodb(choice, deps) : openPostgres(choice, deps);
}

async function openDynamodb(
  { table, workTable, creates }: Extract<StoreChoice, { kind: "dynamodb" }>,
  { aws, clock, logger, asItIs = false }: OpenStoreDeps,
): Promise<OpenedStore> {
  const [{ createDynamodbStore }, { DynamoDBClient }] = await Promise.all([
    import("@stackyard/store-dynamodb"),
    import("@aws-sdk/client-dynamodb"),
  ]);
  const client = aws.client(DynamoDBClient, undefined);
  const createTables = asItIs ? false : creates || ("work" as const);
  return createDynamodbStore(defined({ table, workTable, client, createTables, clock, logger }));
}

async function openPostgres(
  choice: Extract<StoreChoice, { kind: "postgres" }>,
  { aws, logger, maxConnections = DEFAULT_CONNECTIONS, asItIs = false }: OpenStoreDeps,
): Promise<Store> {
  const { createPostgresStore } = await import("@stackyard/store-postgres");
  const connection = "address" in choice ? choice.address : await toSecret(choice.secretId, aws);
  return createPostgresStore({ connection, maxConnections, logger, migrate: !asItIs });
}

/**
 * Returns the connection's secret, which is read again when the server refuses the credentials, as after a rotation.
 */
async function toSecret(secretId: string, aws: AwsAccess) {
  const [{ createConnectionSecret }, { SecretsManagerClient }] = await Promise.all([
    import("@stackyard/aws/secrets"),
    import("@aws-sdk/client-secrets-manager"),
  ]);
  return createConnectionSecret({ client: aws.client(SecretsManagerClient, undefined), secretId });
}
