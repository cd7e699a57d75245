import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { type Clock, type Logger, type Random, StackyardError, silentLogger } from "@stackyard/core";
import { systemClock } from "@stackyard/core/engine";
import type { TableNames } from "./table-definitions.ts";

/** How a store is opened. */
export interface DynamodbStoreOptions {
  /** The table of stacks: string key `id`. */
  readonly table: string;
  /** The table of everything else. Default: `<table>-work`. */
  readonly workTable?: string;
  /** Whoever made it ends it. Default: a client of the store's own, with `region` and `endpoint`. */
  readonly client?: DynamoDBClient;
  /** Default: as the SDK finds it. */
  readonly region?: string;
  /** Instead of the service's own, such as `http://127.0.0.1:8000`. */
  readonly endpoint?: string;
  /** Absent tables are made; `work`: that one only, beside a table of stacks that must be there. Default: false. */
  readonly createTables?: boolean | "work";
  /** Default: none. */
  readonly logger?: Logger;
  /** Real time: it counts only where instants of callers do not. Default: the system's. */
  readonly clock?: Clock;
  /** Default: `Math.random`. */
  readonly random?: Random;
}

/** Options with their defaults. */
export interface StoreSettings {
  readonly client: DynamoDBClient;
  readonly ownsClient: boolean;
  readonly names: TableNames;
  readonly mayCreate: boolean | "work";
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: Random;
}

// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
const NAME = /^[a-zA-Z0-9_.-]{3,255}$/;

/** Throws `CONFIG_INVALID` with everything that is wrong. */
export function toSettings(options: DynamodbStoreOptions): StoreSettings {
  const names = { stacks: options.table, work: options.workTable ?? `${options.table}-work` };
  const faults = [
    ...Object.values(names)
      .filter((name) => !NAME.test(name))
      .map((name) => `${JSON.stringify(name)} is no name of a table: 3 to 255 letters, digits, "_", "-" and ".".`),
    ...(names.stacks === names.work ? ["Stacks and work need two tables."] : []),
    ...(options.endpoint === undefined || URL.canParse(options.endpoint) ? [] : ["`endpoint` is no address."]),
  ];
  if (faults.length > 0) throw new StackyardError("CONFIG_INVALID", faults.join("\n"));
  const { createTables = false, logger = silentLogger } = options;
  const { clock = systemClock, random = Math.random } = options;
  return {
    ...{ names, logger, clock, random },
    client: options.client ?? createClient(options),
    ownsClient: options.client === undefined,
    mayCreate: createTables,
  };
}

function createClient({ region, endpoint }: DynamodbStoreOptions): DynamoDBClient {
  return new DynamoDBClient({
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
  });
}
