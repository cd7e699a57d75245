import { CreateTableCommand, type CreateTableCommandInput, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { type Clock, type Logger, StackyardError } from "@stackyard/core";
import { checkTables, describe, type TableFinding } from "./check-tables.ts";
import { type TableNames, toStacksTable, toWorkTable } from "./table-definitions.ts";
import { toStoreError } from "./to-store-error.ts";

const ASK_EVERY_MS = 500;
const WAIT_AT_MOST_MS = 120_000;

/** What the opening of a store needs. */
export interface PrepareInput {
  readonly client: DynamoDBClient;
  readonly names: TableNames;
  /** Absent tables are made; `work`: that one only. */
  readonly mayCreate: boolean | "work";
  readonly logger: Logger;
  readonly clock: Clock;
}

/** Checks the tables, and makes absent ones where that is allowed. Throws `CONFIG_INVALID` with all that is wrong. */
export async function prepareTables(input: PrepareInput): Promise<{ readonly hasDueIndex: boolean }> {
  const { client, names, mayCreate, logger } = input;
  const before = await checkTables(client, names);
  const absent = before.findings.filter(({ code }) => code === "table-missing");
  const made = absent.filter(({ table }) => mayCreate === true || (mayCreate === "work" && table === names.work));
  for (const finding of made) await createTable(input, finding);
  // What another process has begun to make at the same time.
  const begun = mayCreate === false ? [] : before.findings.filter(({ code }) => code === "table-not-active");
  for (const { table } of [...made, ...begun]) await untilActive(input, table);
  const isOld = made.length + begun.length > 0;
  const { findings, hasDueIndex } = isOld ? await checkTables(client, names) : before;
  const errors = findings.filter(({ severity }) => severity === "error");
  if (errors.length > 0) throw refuse(errors);
  for (const { message, advice } of findings) logger.warn(`${message} ${advice}`);
  return { hasDueIndex };
}

async function createTable({ client, names, logger }: PrepareInput, finding: TableFinding): Promise<void> {
  const { table } = finding;
  logger.info(`The table "${table}" is made.`);
  await send(client, table === names.stacks ? toStacksTable(table) : toWorkTable(table), finding);
}

async function untilActive({ client, clock }: PrepareInput, table: string): Promise<void> {
  const giveUpAt = clock.now() + WAIT_AT_MOST_MS;
  while ((await describe(client, table))?.TableStatus !== "ACTIVE") {
    if (clock.now() > giveUpAt)
      throw new StackyardError("STORE_UNAVAILABLE", `The table "${table}" does not become ACTIVE.`);
    await clock.sleep(ASK_EVERY_MS);
  }
}

async function send(client: DynamoDBClient, input: CreateTableCommandInput, finding: TableFinding): Promise<void> {
  try {
    await client.send(new CreateTableCommand(input));
  } catch (error) {
    // Another process makes it at the same time.
    if (error instanceof Error && error.name === "ResourceInUseException") return;
    if (error instanceof Error && error.name === "AccessDeniedException") throw refuse([finding], error);
    throw toStoreError(error);
  }
}

function refuse(errors: readonly TableFinding[], cause?: unknown): StackyardError {
  const told = errors.map(({ message, advice }) => `${message} ${advice}`);
  return new StackyardError("CONFIG_INVALID", told.join("\n"), { details: { findings: errors }, cause });
}
