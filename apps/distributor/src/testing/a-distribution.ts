import { createAwsAccess } from "@stackyard/aws";
import { type AwsSim, createAwsSim, createSimPlugin } from "@stackyard/aws-sim";
import { startDynamodb } from "@stackyard/aws-sim/dynamodb";
import { type Logger, silentLogger } from "@stackyard/core";
import { toInitialSetDefinition } from "@stackyard/distributor/function";
import { createQuickClock } from "@stackyard/lambda-host";
import { createDynamodbRecords } from "@stackyard/store-dynamodb";
import { createApp, type DistributorApp } from "../create-app.ts";
import { addConsumer, type Consumer } from "./a-consumer.ts";
import { BUCKET, readActions, SOURCE, writeArtifact } from "./source.ts";

const TABLE = "stackyard-distributor";
/** The roles of the function are new: their first calls are denied. */
const IAM_DELAY_MS = 20_000;

/** The app in its own account, behind its topic, bus, rules, schedule and state machine. */
export interface Distribution {
  readonly sim: AwsSim;
  readonly app: DistributorApp;
  readonly covered: readonly unknown[];
  /** Everything that was logged and measured. */
  readonly told: readonly string[];
  addConsumer(account: string, region: string): Consumer;
  publish(name: string, version: string, files: Readonly<Record<string, string>>): Promise<void>;
  /** Delivers events until nothing more happens. */
  settle(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts it, with the permissions of the README and no others. */
export async function startDistribution(): Promise<Distribution> {
  const clock = createQuickClock(200);
  const oldUsers = ["ada", "consumer-eu-west-1", "consumer-us-east-1"];
  const sim = createAwsSim({ clock, iamDelayMs: IAM_DELAY_MS, oldUsers });
  const plugin = createSimPlugin(sim);
  const table = await startDynamodb();
  await table.createTable(TABLE, "pk", "sk");
  const own = sim.iam.addUser({ ...SOURCE, name: "function", allow: readActions() });
  sim.iam.addRole({ ...SOURCE, name: "signer", allow: ["s3:GetObject", "s3:GetObjectVersion"] });
  sim.s3.createBucket({ ...SOURCE, name: BUCKET, versioned: true, notifies: true });
  const topicArn = sim.sns.addTopic({ ...SOURCE, name: "artifacts" });
  const accounts = ["111122223333", "444455556666"];
  const busArn = sim.eventBridge.addBus({
    ...SOURCE,
    name: "stackyard-receipts",
    allows: [...accounts, "222233334444"],
  });
  const told: string[] = [];
  const logger = createListLogger(told);
  const app = createApp({
    environment: {
      ARTIFACTS_BUCKET: BUCKET,
      ARTIFACT_PREFIX: "artifacts/",
      DISTRIBUTION_TOPIC: topicArn,
      RECORDS_TABLE: TABLE,
      TRUSTED_ACCOUNTS: accounts.join(","),
      SIGNER_ROLE: `arn:aws:iam::${SOURCE.account}:role/signer`,
      INITIAL_SET_MACHINE: `arn:aws:states:${SOURCE.region}:${SOURCE.account}:stateMachine:initial-set`,
    },
    access: createAwsAccess({
      clock,
      logger,
      region: SOURCE.region,
      credentials: own,
      session: { name: "distributor" },
      plugins: [plugin as never],
    }),
    records: createDynamodbRecords({ client: table.client, table: TABLE }),
    clock,
    telemetry: { logger, tracing: { inject: () => ({}) }, invoke: (_fields, work) => work() },
    write: (line) => void told.push(line),
  });
  const covered: unknown[] = [];
  const work = new Set<Promise<void>>();
  wire(sim, app, covered);
  return {
    sim,
    app,
    covered,
    told,
    addConsumer: (account, region) => addConsumer({ sim, topicArn, busArn, work, fetch: sim.fetch }, account, region),
    publish: (name, version, files) => writeArtifact(sim, { name, version, files }),
    settle: () => settle(sim, work),
    stop: () => table.stop(),
  };
}

function wire(sim: AwsSim, app: DistributorApp, covered: unknown[]): void {
  const target = (event: unknown) => app.handler(event);
  sim.eventBridge.addRule({ ...SOURCE, pattern: { source: ["aws.s3"] }, target });
  sim.eventBridge.addRule({
    ...SOURCE,
    bus: "stackyard-receipts",
    pattern: { source: ["stackyard.consumer"] },
    target,
  });
  sim.eventBridge.addRule({
    ...SOURCE,
    pattern: { source: ["stackyard.distributor"] },
    target: async (event: unknown) => void covered.push(event),
  });
  sim.lambda.addFunction({ ...SOURCE, name: "distributor", handler: target });
  const functionArn = `arn:aws:lambda:${SOURCE.region}:${SOURCE.account}:function:distributor`;
  sim.stepFunctions.addStateMachine({
    ...SOURCE,
    name: "initial-set",
    definition: toInitialSetDefinition(functionArn),
  });
}

/** Number of rounds without work after which everything is done. */
const QUIET_ROUNDS = 5;

async function settle(sim: AwsSim, work: ReadonlySet<Promise<void>>): Promise<void> {
  for (let quiet = 0; quiet < QUIET_ROUNDS; quiet += 1) {
    const isBusy = work.size > 0 || sim.stepFunctions.executions.some(({ status }) => status === "RUNNING");
    if (isBusy) quiet = 0;
    await Promise.all(work);
    await sim.eventBridge.deliver();
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

function createListLogger(lines: string[]): Logger {
  const note = (message: string, fields?: object) => void lines.push(JSON.stringify([message, fields]));
  return { ...silentLogger, debug: note, info: note, warn: note, error: note };
}
