import { type Logger, StackyardError } from "@stackyard/core";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import { createDynamodbStore, type DynamodbStore } from "./create-dynamodb-store.ts";

/** What a process of a project gives the package that its configuration names as store. */
export interface ProjectContext {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
  /** False: no table is made. */
  readonly migrate: boolean;
}

const Name = Type.Optional(Type.String({ minLength: 1, maxLength: 255 }));
const ProjectOptions = Type.Object(
  {
    table: Name,
    workTable: Name,
    region: Name,
    endpoint: Type.Optional(Type.String({ minLength: 1, maxLength: 2_048 })),
    createTables: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);
type ProjectOptions = Static<typeof ProjectOptions>;

const validator = Compile(ProjectOptions);

/**
 * Opens the store for `store: { type: "dynamodb", … }` of a project's configuration. Tables that it does
 * not name are those of `DYNAMODB_TABLE` and `DYNAMODB_WORK_TABLE`. Throws `CONFIG_INVALID` with every fault, and as
 * `createDynamodbStore`.
 */
export async function createStore(options: unknown, context: ProjectContext): Promise<DynamodbStore> {
  const { createTables = false, table: named, workTable: namedWork, ...rest } = parseOptions(options);
  const { environment, logger, migrate } = context;
  const table = named ?? (environment["DYNAMODB_TABLE"] || undefined);
  const workTable = namedWork ?? (environment["DYNAMODB_WORK_TABLE"] || undefined);
  if (table === undefined) {
    const message = "No table is named: set DYNAMODB_TABLE, or write `table` beside the store's `type`.";
    throw new StackyardError("CONFIG_INVALID", message);
  }
  return createDynamodbStore({
    // Undefined members are left out where the options do not allow them.
    ...Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined)),
    ...(workTable === undefined ? {} : { workTable }),
    table,
    createTables: createTables && migrate,
    logger,
  });
}

function parseOptions(options: unknown): ProjectOptions {
  if (validator.Check(options)) return options;
  const faults = validator
    .Errors(options)
    .map(({ instancePath, message }) => `${instancePath.slice(1) || "it"} ${message}`);
  const known = Object.keys(ProjectOptions.properties).join(", ");
  const message = `Options of the store "dynamodb": ${[...new Set(faults)].join("; ")}. There are ${known}.`;
  throw new StackyardError("CONFIG_INVALID", message);
}
