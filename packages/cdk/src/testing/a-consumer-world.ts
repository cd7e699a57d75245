import { createHash } from "node:crypto";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { S3Client } from "@aws-sdk/client-s3";
import { SFNClient } from "@aws-sdk/client-sfn";
import { SNSClient } from "@aws-sdk/client-sns";
import { SQSClient } from "@aws-sdk/client-sqs";
import { createAwsAccess } from "@stackyard/aws";
import { createS3Records } from "@stackyard/aws/s3";
import { type AwsSim, createAwsSim, createResourceLife, createSimPlugin, type LoggedCall } from "@stackyard/aws-sim";
import {
  createConsumer,
  createConsumerResources,
  createCopier,
  createCopyMemory,
  createSourceFetch,
} from "@stackyard/consumer/function";
import { createFakeClock, type FakeClock } from "@stackyard/core/testing";
import { DISTRIBUTOR_OUTPUTS } from "./an-artifacts-app.ts";
import { findGrants } from "./find-grants.ts";
import { ACCOUNT, REGION, type ResolvedTemplate, toJson } from "./resolve-template.ts";

/** Where the distributor is. */
const DISTRIBUTOR_PLACE = { account: "999900001111", region: "eu-central-1" } as const;
const PLACE = { account: ACCOUNT, region: REGION } as const;
const MIB = 1_024 ** 2;
const NOTHING = { StartAt: "Done", States: { Done: { Type: "Succeed" } } };
type Role = "CopyRole" | "InitialSetTriggerRole" | "AdoptedBucketRole";

/** The functions of a consumer's template over a simulated AWS, each with its role of the template. */
export interface ConsumerWorld {
  readonly sim: AwsSim;
  /** Delivers messages like the queue; returns those to redeliver. */
  deliver(bodies: readonly object[], options?: { readonly deadlineMs?: number }): Promise<readonly string[]>;
  /** Writes a file to the source and returns its message. */
  publish(key: string, bytes: Buffer, facts?: Readonly<Record<string, unknown>>): object;
  /** Returns a custom resource with the properties of the template, to create and delete. */
  resource(id: "AdoptedBucket" | "InitialSetTrigger"): {
    create(): Promise<string>;
    /** Changes these properties of the template. */
    update(changes: Readonly<Record<string, unknown>>): Promise<string>;
    delete(): Promise<string>;
  };
  callsOf(role: Role): readonly LoggedCall[];
  pass(ms: number): Promise<void>;
}

/** Makes it; the bucket is there as soon as its resource was made. */
export function createConsumerWorld(template: ResolvedTemplate): ConsumerWorld {
  const clock = createFakeClock(Date.UTC(2026, 10, 20, 6));
  const sim = createAwsSim({ clock });
  addDistributor(sim);
  const variables = (id: string) => toJson(toJson(template.resources[id]?.properties["Environment"])["Variables"]);
  const environment = variables("CopyFunction");
  const said = (name: string) => String(environment[name]);
  const bucket = said("ARTIFACTS_BUCKET");
  sim.sqs.addQueue({ ...PLACE, name: "Queue" });
  sim.sqs.addQueue({ ...PLACE, name: "ParkingQueue" });
  const access = (role: Role, region: string = REGION) => openAccess({ sim, clock, template, role, region });
  const copying = createLazily(() =>
    openConsumer({ clock, said, bucket, access: (region) => access("CopyRole", region) }),
  );
  let sequence = 0;

  function publish(key: string, bytes: Buffer, facts: Readonly<Record<string, unknown>> = {}): object {
    sim.s3.write(DISTRIBUTOR_OUTPUTS.DistributionBucket, key, bytes.toString("latin1"));
    sequence += 1;
    const [name, version] = key.split("/");
    const versionId = sim.s3.findObject(DISTRIBUTOR_OUTPUTS.DistributionBucket, key)?.versionId;
    return {
      v: 2,
      ArtifactKey: key,
      distributionId: `d-${sequence}`,
      sequence,
      artifact: { name, version, size: bytes.length, sha256: toDigest(bytes), contentType: "application/zip" },
      source: { ...DISTRIBUTOR_PLACE, bucket: DISTRIBUTOR_OUTPUTS.DistributionBucket, versionId },
      ...facts,
    };
  }

  function resource(id: "AdoptedBucket" | "InitialSetTrigger") {
    const resources = openResources({ sim, clock, access, variables: variables(`${id}Function`) });
    const life = createResourceLife({
      clock,
      endpoint: sim.answers,
      ...PLACE,
      logicalId: id,
      resourceType: `Custom::${id}`,
      invoke: (request) => resources.onResource({ ...request, ResourceType: `Custom::${id}` }),
    });
    const { ServiceToken: _token, ...properties } = template.resources[id]?.properties ?? {};
    const settle = async (step: ReturnType<typeof life.create>) => {
      const { status, reason } = await step;
      return status.endsWith("_COMPLETE") ? status : `${status}: ${reason}`;
    };
    return {
      create: () => settle(life.create(properties)),
      update: (changes: Readonly<Record<string, unknown>>) => settle(life.update({ ...properties, ...changes })),
      delete: () => settle(life.delete()),
    };
  }

  return {
    sim,
    publish,
    resource,
    async deliver(bodies, { deadlineMs = 900_000 } = {}) {
      const Records = bodies.map((body, index) => toRecord(body, index));
      const { batchItemFailures } = await copying().onMessages({ Records }, { deadlineAt: clock.now() + deadlineMs });
      return batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
    },
    pass: (ms) => clock.advance(ms),
    callsOf: (role) => sim.calls.filter(({ arn }) => arn.endsWith(`user/${role}`)),
  };
}

/** Adds a distributor: its bucket lets the consumer read, its bus lets it send, its role lets it in. */
function addDistributor(sim: AwsSim): void {
  sim.s3.createBucket({
    ...DISTRIBUTOR_PLACE,
    name: DISTRIBUTOR_OUTPUTS.DistributionBucket,
    sharedWith: [ACCOUNT],
    versioned: true,
  });
  sim.eventBridge.addBus({ ...DISTRIBUTOR_PLACE, name: "stackyard-receipts", allows: [ACCOUNT] });
  sim.iam.addRole({ ...DISTRIBUTOR_PLACE, name: "TriggerInitSetRole", trusts: [ACCOUNT] });
  sim.sns.addTopic({ ...DISTRIBUTOR_PLACE, name: "DistributionTopic", sharedWith: [ACCOUNT] });
  sim.stepFunctions.addStateMachine({
    ...DISTRIBUTOR_PLACE,
    name: "stackyard-distributor-initial-set",
    definition: NOTHING,
  });
}

interface AccessInput {
  readonly sim: AwsSim;
  readonly clock: FakeClock;
  readonly template: ResolvedTemplate;
  readonly role: Role;
  readonly region: string;
}

const users = new WeakMap<AwsSim, Map<string, ReturnType<AwsSim["iam"]["addUser"]>>>();

/** Opens AWS with the role of the template: everything else is denied. */
function openAccess({ sim, clock, template, role, region }: AccessInput) {
  const known = users.get(sim) ?? new Map();
  users.set(sim, known);
  const allow = [...new Set(findGrants(template, role).flatMap(({ actions }) => actions))];
  const credentials = known.get(role) ?? sim.iam.addUser({ account: ACCOUNT, name: role, allow });
  known.set(role, credentials);
  const session = { name: `stackyard-${ACCOUNT}-${REGION}`, seconds: 900 };
  return createAwsAccess({
    clock,
    credentials,
    region,
    plugins: [createSimPlugin(sim)] as never,
    maxAttempts: 1,
    session,
  });
}

type Access = (region: string) => ReturnType<typeof openAccess>;

function openConsumer(input: {
  readonly clock: FakeClock;
  readonly said: (name: string) => string;
  readonly bucket: string;
  readonly access: Access;
}) {
  const { clock, said, bucket, access } = input;
  const source = { bucket: said("DISTRIBUTOR_BUCKET"), region: said("DISTRIBUTION_REGION") };
  const s3 = access(REGION).client(S3Client, undefined);
  const records = createS3Records({ client: s3, bucket, prefix: ".stackyard/", clock });
  const copier = createCopier({
    fetch: createSourceFetch({ rules: source }),
    target: { client: s3, account: ACCOUNT, region: REGION, bucket },
    source: { ...source, client: access(source.region).client(S3Client, undefined) },
    transfer: "identity",
    memory: createCopyMemory(records, clock),
    clock,
    wholeBytes: 5 * MIB,
  });
  const sourceAccount = DISTRIBUTOR_PLACE.account;
  return createConsumer({
    bucket,
    records,
    copier,
    clock,
    receiptBus: said("RECEIPT_BUS"),
    queueUrl: said("QUEUE_URL"),
    parkingQueueUrl: said("PARKING_QUEUE_URL"),
    config: {
      account: ACCOUNT,
      region: REGION,
      topicArn: said("DISTRIBUTION_TOPIC"),
      sourceAccount,
      sourceBucket: source.bucket,
      sourceRegion: source.region,
      retire: said("RETIRE") === "true",
    },
    clients: {
      s3,
      sqs: access(REGION).client(SQSClient, undefined),
      events: access(DISTRIBUTOR_PLACE.region).client(EventBridgeClient, undefined),
    },
  });
}

function openResources(input: {
  readonly sim: AwsSim;
  readonly clock: FakeClock;
  readonly access: (role: Role, region?: string) => ReturnType<typeof openAccess>;
  readonly variables: Readonly<Record<string, unknown>>;
}) {
  const { sim, clock, access, variables } = input;
  const [role, machineArn, bus] = ["INITIAL_DISTRIBUTION_ROLE", "INITIAL_DISTRIBUTION_MACHINE", "RECEIPT_BUS"].map(
    (name) => String(variables[name]),
  );
  const asking = () => access("InitialSetTriggerRole", DISTRIBUTOR_PLACE.region);
  return createConsumerResources({
    ...PLACE,
    clock,
    fetch: (url: string | URL | Request, init?: object) => sim.answers.fetch(String(url), init),
    bucket: () => ({ s3: access("AdoptedBucketRole").client(S3Client, undefined) }),
    initialSet: () => ({
      machineArn: machineArn ?? "",
      bucket: String(variables["ARTIFACTS_BUCKET"]),
      capabilities: { transfer: "auto", retire: false },
      sns: asking().client(SNSClient, undefined),
      states: asking().client(SFNClient, { ...DISTRIBUTOR_PLACE, partition: "aws", role: role ?? "" }),
      receipts: { client: asking().client(EventBridgeClient, undefined), bus: bus ?? "" },
    }),
  });
}

function toRecord(body: object, index: number) {
  const all = { stringValue: "ALL", dataType: "String" };
  return {
    messageId: `m-${index}`,
    receiptHandle: `r-${index}`,
    body: JSON.stringify(body),
    messageAttributes: { account: all, region: all },
    attributes: { ApproximateReceiveCount: "1" },
  };
}

function createLazily<Value>(create: () => Value): () => Value {
  let made: { readonly value: Value } | undefined;
  return () => {
    made ??= { value: create() };
    return made.value;
  };
}

function toDigest(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
