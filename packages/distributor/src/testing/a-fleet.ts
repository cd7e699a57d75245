import type { SFNClient, StartExecutionCommand } from "@aws-sdk/client-sfn";
import { type AwsEvent, type AwsSim, createAwsSim } from "@stackyard/aws-sim";
import { defined, type Records } from "@stackyard/core";
import { createFreezableProgram, createMemoryRecords, createRandom } from "@stackyard/core/testing";
import { type ConsumerPlace, type CoverageRow, toManifestText } from "@stackyard/sdk/artifacts";
import type { DistributorConfig } from "../context.ts";
import { createDistributor } from "../distributor.ts";
import { PLACE, T0 } from "./a-cell.ts";
import { aProbeAnswer, aReceipt, aRegistration, SOURCE, toStored } from "./a-distributor-world.ts";
import { toSha256 } from "./a-source.ts";
import { createPassingClock } from "./passing-clock.ts";
import { openSimClients } from "./sim-clients.ts";

/** A second consumer. */
export const OTHER = { account: "444455556666", region: "us-east-1" } as const;

/** A message of the topic, as far as tests read it. */
export interface FleetMessage {
  readonly ArtifactKey?: string;
  readonly sequence: number;
  readonly artifact: { readonly name: string; readonly version: string; readonly sha256: string };
  readonly target: ConsumerPlace;
}

/** An execution of the state machine that was requested. */
export interface AskedExecution {
  readonly name: string;
  readonly input: object;
}

/**
 * Creates the distributor's function over simulated services, and two consumers that answer when a test requests it.
 */
export function createFleet(
  config: Partial<DistributorConfig> = {},
  { versioned = true, records = createMemoryRecords() }: { versioned?: boolean; records?: Records } = {},
) {
  const services = openServices(versioned, records);
  const { sim, topicArn, options, clock } = services;
  const sent = (): FleetMessage[] => sim.sns.published(topicArn).map(({ body }) => JSON.parse(body));
  const start = (over: Partial<DistributorConfig> = {}) =>
    createFreezableProgram(
      clock,
      (own) => createDistributor({ ...options, clock: own, config: { ...options.config, ...config, ...over } }).handle,
    );
  let program = start();
  const handle = (event: unknown) => program(event);
  const { receipt, answer, register } = createConsumers({ sim, topicArn, handle, sent, now: clock.now });
  return {
    ...services,
    handle,
    sent,
    receipt,
    answer,
    register,
    /** Starts another process, perhaps with another configuration. */
    restart(over: Partial<DistributorConfig> = {}) {
      program = start(over);
    },
    write: (version: string, files: readonly string[] = ["a"], name = "app") =>
      writeArtifact(services, { name, version, files }),
    created: (key: string) =>
      handle({
        source: "aws.s3",
        "detail-type": "Object Created",
        account: SOURCE.account,
        detail: { bucket: { name: "source" }, object: { key } },
      }),
    look: () => handle({ op: "schedule" }),
    /** Runs the schedule, every five minutes for `hours` hours. */
    async lookFor(hours: number) {
      for (let tick = 0; tick < hours * 12; tick += 1) {
        await clock.advance(300_000);
        await handle({ op: "schedule" });
      }
    },
    async coverage(name = "app"): Promise<readonly CoverageRow[]> {
      return ((await handle({ op: "coverage", name })) as { answer: { rows: CoverageRow[] } }).answer.rows;
    },
  };
}

function openServices(versioned: boolean, records: Records) {
  const clock = createPassingClock(T0);
  const sim = createAwsSim({ clock });
  const { credentials, ...clients } = openSimClients(sim, SOURCE);
  sim.s3.createBucket({ ...SOURCE, name: "source", versioned });
  const topicArn = sim.sns.addTopic({ ...SOURCE, name: "artifacts" });
  const [covered, metrics, executions]: [unknown[], string[], AskedExecution[]] = [[], [], []];
  sim.eventBridge.addRule({
    ...SOURCE,
    pattern: { source: ["stackyard.distributor"] },
    target: async (event: unknown) => void covered.push((event as AwsEvent).detail),
  });
  const options = {
    ...clients,
    states: openStates(executions),
    records,
    clock,
    random: createRandom(1),
    credentials: async () => credentials,
    write: (line: string) => void metrics.push(line),
    config: {
      ...SOURCE,
      bucket: "source",
      prefix: "artifacts/",
      uploadPrefix: "uploads/",
      topicArn,
      machineArn: `arn:aws:states:${SOURCE.region}:${SOURCE.account}:stateMachine:sets`,
      trustedAccounts: [PLACE.account, OTHER.account],
    },
  };
  return { clock, sim, topicArn, options, records, covered, metrics, executions };
}

/** Records executions to start: a name starts one execution. */
function openStates(executions: AskedExecution[]): SFNClient {
  const send = async ({ input: { name = "", input = "" } }: StartExecutionCommand) => {
    const refuse = (code: string) => Promise.reject(Object.assign(new Error(code), { name: code }));
    if (name.length > 80) return refuse("InvalidName");
    if (executions.some((each) => each.name === name)) return refuse("ExecutionAlreadyExists");
    executions.push({ name, input: JSON.parse(input) });
    return { executionArn: `arn:aws:states:::execution:sets:${name}`, startDate: new Date() };
  };
  return { send } as never;
}

interface Artifact {
  readonly name: string;
  readonly version: string;
  readonly files: readonly string[];
}

/** Writes an artifact into the bucket as `publish` does, and returns the key of its manifest. */
function writeArtifact({ sim, clock }: ReturnType<typeof openServices>, { name, version, files }: Artifact): string {
  const folder = `artifacts/${name}/${version}/`;
  const listed = files.map((file) => {
    const body = version + file;
    sim.s3.write("source", folder + file, body);
    return { key: folder + file, size: body.length, sha256: toSha256(body) };
  });
  const createdAt = new Date(clock.now()).toISOString();
  sim.s3.write("source", `${folder}manifest.json`, toManifestText({ v: 1, name, version, createdAt, files: listed }));
  return `${folder}manifest.json`;
}

interface ConsumersInput {
  readonly sim: AwsSim;
  readonly topicArn: string;
  handle(event: unknown): Promise<unknown>;
  sent(): FleetMessage[];
  now(): number;
}

/** What differs in the receipts of files; the bucket in all. */
interface ReceiptChanges {
  readonly bucket?: string;
  readonly [field: string]: unknown;
}

function createConsumers({ sim, topicArn, handle, sent, now }: ConsumersInput) {
  let heard = 0;

  /** The consumer's stack subscribes before it registers. CloudFormation does not make it again what was ended. */
  const subscribed = new Set<string>();
  function subscribe({ account, region }: ConsumerPlace): void {
    if (subscribed.has(`${account}/${region}`)) return;
    subscribed.add(`${account}/${region}`);
    const endpoint = `arn:aws:sqs:${region}:${account}:artifacts`;
    if (sim.sns.subscriptions(topicArn).some((each) => each.endpoint === endpoint)) return;
    const filterPolicy = { account: [account, "ALL"], region: [region, "ALL"] };
    sim.sns.subscribe(topicArn, { owner: account, endpoint, filterPolicy, deliver: () => {} });
  }

  /** Returns the event of the answer to a message. */
  function receipt({ ArtifactKey: key, artifact }: FleetMessage, place: ConsumerPlace, over: object = {}) {
    const { name, version, sha256 } = artifact;
    const at = new Date(now()).toISOString();
    return aReceipt({ name, version, key }, place, { at, ...toStored(sha256), ...over });
  }

  async function answerOne(message: FleetMessage, place: ConsumerPlace, over: ReceiptChanges): Promise<void> {
    const { artifact, target } = message;
    const isForIt =
      target.account === "ALL" || `${target.account}/${target.region}` === `${place.account}/${place.region}`;
    if (!isForIt) return;
    const isProbe = artifact.name === "stackyard.probe";
    await handle(
      isProbe ? aProbeAnswer(place, now(), defined({ bucket: over.bucket })) : receipt(message, place, over),
    );
  }

  /** Makes these consumers answer everything that was sent since; other consumers' answers are lost. */
  async function answer(places: readonly ConsumerPlace[], over: ReceiptChanges = {}): Promise<void> {
    const messages = sent().slice(heard);
    heard += messages.length;
    for (const message of messages) for (const place of places) await answerOne(message, place, over);
    await sim.eventBridge.deliver();
  }

  return {
    receipt,
    answer,
    register(place: ConsumerPlace, bucket?: string) {
      subscribe(place);
      const event = aRegistration(place);
      return handle({ ...event, detail: { ...event.detail, ...(bucket && { bucket }) } });
    },
  };
}
