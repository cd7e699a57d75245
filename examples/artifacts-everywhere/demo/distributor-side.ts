import { CreateTopicCommand } from "@aws-sdk/client-sns";
import type { AwsEvent, AwsSim } from "@stackyard/aws-sim";
import type { Clock } from "@stackyard/core";
import { createMemoryStore } from "@stackyard/core/engine";
import { createDistributor, toInitialSetDefinition } from "@stackyard/distributor/function";
import type { CallDistributor, DistributorReply } from "@stackyard/sdk/artifacts";
import type { Clients } from "./clients.ts";
import { CONSUMERS, DISTRIBUTOR, SOURCE_BUCKET, TRUSTED, UPLOAD_PREFIX } from "./places.ts";

/** The distributor's installed stack. */
export interface DistributorSide {
  readonly topicArn: string;
  readonly receiptBus: string;
  readonly machineArn: string;
  /** Sends a request to the function, as users do. */
  readonly call: CallDistributor;
  /** Runs the work of its schedule every five minutes. */
  sweep(): Promise<void>;
  /** The events on the bus of receipts, in order. */
  readonly receipts: readonly AwsEvent[];
  /** The role that consumers assume to request the initial set. */
  readonly triggerRoleArn: string;
  /** The number of events and requests in progress. */
  readonly working: number;
}

/** What consumers must know to assume the role. */
export const EXTERNAL_ID = "artifacts-everywhere";

interface DistributorSideInput {
  readonly sim: AwsSim;
  readonly clock: Clock;
  /** Lets time pass while a caller waits for an answer. */
  readonly waitFor: <Result>(work: Promise<Result>) => Promise<Result>;
  readonly clients: Clients;
  /** Called when all consumers have stored a version. */
  readonly onCovered: (event: AwsEvent) => Promise<void>;
}

const NAME = "distributor";

/** Creates bucket, topic, bus, state machine and function, and connects them as the template does. */
export async function createDistributorSide(input: DistributorSideInput): Promise<DistributorSide> {
  const { sim, clock, clients, onCovered, waitFor } = input;
  const { account, region } = DISTRIBUTOR;
  const readers = [CONSUMERS.virginia.account];
  sim.s3.createBucket({ ...DISTRIBUTOR, name: SOURCE_BUCKET, sharedWith: readers, versioned: true, notifies: true });
  const { TopicArn: topicArn = "" } = await clients.sns.send(new CreateTopicCommand({ Name: "stackyard-artifacts" }));
  const receiptBus = sim.eventBridge.addBus({ ...DISTRIBUTOR, name: "stackyard-receipts", allows: TRUSTED });
  const functionArn = `arn:aws:lambda:${region}:${account}:function:${NAME}`;
  const definition = JSON.stringify(toInitialSetDefinition(functionArn));
  const machineArn = sim.stepFunctions.addStateMachine({ ...DISTRIBUTOR, name: "initial-set", definition });
  const config = {
    ...DISTRIBUTOR,
    bucket: SOURCE_BUCKET,
    prefix: "",
    uploadPrefix: UPLOAD_PREFIX,
    topicArn,
    machineArn,
    trustedAccounts: TRUSTED,
  };
  const { s3, events, states } = clients.home;
  const { arn: triggerRoleArn } = sim.iam.addRole({
    account,
    name: "TriggerInitSetRole",
    trusts: TRUSTED,
    externalId: EXTERNAL_ID,
    allow: ["states:StartExecution"],
  });
  const distributor = createDistributor({
    config,
    clock,
    s3,
    events,
    states,
    sns: clients.sns,
    records: createMemoryStore().records,
    credentials: async () => clients.credentials,
    random: () => 0.5,
    write: () => {},
  });
  const state = { working: 0 };
  const handle = async (event: unknown): Promise<unknown> => {
    state.working += 1;
    return distributor.handle(event).finally(() => {
      state.working -= 1;
    });
  };
  sim.lambda.addFunction({ ...DISTRIBUTOR, name: NAME, handler: handle });
  const receipts: AwsEvent[] = [];
  sim.eventBridge.addRule({ ...DISTRIBUTOR, pattern: { source: ["aws.s3"] }, target: handle });
  sim.eventBridge.addRule({
    ...DISTRIBUTOR,
    bus: "stackyard-receipts",
    pattern: { source: ["stackyard.consumer"] },
    target(event) {
      receipts.push(event);
      return handle(event);
    },
  });
  const covered = { source: ["stackyard.distributor"], "detail-type": ["artifact.covered"] };
  sim.eventBridge.addRule({ ...DISTRIBUTOR, pattern: covered, target: onCovered });
  return {
    topicArn,
    receiptBus,
    machineArn,
    receipts,
    triggerRoleArn,
    get working() {
      return state.working;
    },
    call: createCall((request) => waitFor(handle(request))),
    sweep: async () => void (await handle({ op: "schedule" })),
  };
}

/** Sends requests as the command line does, without Lambda in between. */
function createCall(handle: (request: unknown) => Promise<unknown>): CallDistributor {
  return async (request) => {
    // Requests and answers are JSON.
    const reply: DistributorReply = JSON.parse(JSON.stringify(await handle(request)));
    if (reply.kind === "error") throw new Error(`${reply.code}: ${reply.message}`);
    return reply.answer as never;
  };
}
