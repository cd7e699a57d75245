import { type BenchPostgres, startBenchPostgres } from "../side-by-side/bench-postgres.ts";
import { CHAIN } from "./chain-machine.ts";
import {
  createMachineBucket,
  createQueues,
  createStacksTable,
  type EmulatorAddresses,
  toAwsEnvironment,
} from "./emulators.ts";
import { type Child, startChild } from "./start-child.ts";

/** Emulators and a database, and environments of state managers for them. */
export interface FunctionYard {
  readonly addresses: EmulatorAddresses;
  /** With queues, machines and a store of its own. */
  createEnvironment(store: YardStore): Promise<Readonly<Record<string, string>>>;
  stop(): Promise<void>;
}

/** Where stacks are. */
export type YardStore = "DynamoDB" | "Postgres";

/** Starts them, each in a process of its own. */
export async function startFunctionYard(): Promise<FunctionYard> {
  const emulator = startChild<{ start: () => Promise<EmulatorAddresses> }>("emulator-process.ts");
  const [addresses, postgres] = await Promise.all([startEmulator(emulator), startBenchPostgres()]);
  let count = 0;
  return {
    addresses,
    async createEnvironment(store) {
      count += 1;
      const [tasks = "", ticks = ""] = await createQueues(addresses, [`stack-tasks-${count}`, `stack-ticks-${count}`]);
      const bucket = `machines-${count}`;
      await createMachineBucket(addresses, bucket, CHAIN);
      return {
        ...toAwsEnvironment(addresses),
        // As in Lambda, where the store is opened while a function is initialised.
        AWS_LAMBDA_FUNCTION_NAME: "state-manager",
        SQS_TASK_QUEUE_URL: tasks,
        SQS_TICK_QUEUE_URL: ticks,
        MACHINE_LOCATOR: "S3",
        MACHINE_S3_BUCKET: bucket,
        MACHINE_S3_KEY: "m",
        ...(await createStore(store, { addresses, postgres, name: `stacks-${count}` })),
      };
    },
    async stop() {
      await Promise.all([emulator.end(), postgres.stop()]);
    },
  };
}

function startEmulator(emulator: Child<{ start: () => Promise<EmulatorAddresses> }>): Promise<EmulatorAddresses> {
  return emulator.call("start", undefined as never);
}

interface StorePlace {
  readonly addresses: EmulatorAddresses;
  readonly postgres: BenchPostgres;
  readonly name: string;
}

async function createStore(
  store: YardStore,
  { addresses, postgres, name }: StorePlace,
): Promise<Readonly<Record<string, string>>> {
  if (store === "Postgres") return { DATABASE_URL: await postgres.createDatabase(name) };
  await createStacksTable(addresses, name);
  return { DYNAMODB_TABLE: name };
}
