import { createHash } from "node:crypto";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { S3Client } from "@aws-sdk/client-s3";
import { SFNClient } from "@aws-sdk/client-sfn";
import { SNSClient } from "@aws-sdk/client-sns";
import { createAwsAccess } from "@stackyard/aws";
import { type AwsSim, createAwsSim, createSimPlugin, type LoggedCall } from "@stackyard/aws-sim";
import { createFakeClock, createMemoryRecords, createRandom, type FakeClock, passUntil } from "@stackyard/core/testing";
import { createDistributor, createSignerCredentials } from "@stackyard/distributor/function";
import { toManifestText } from "@stackyard/sdk/artifacts";
import { findGrants } from "./find-grants.ts";
import { ACCOUNT, REGION, type ResolvedTemplate, toJson } from "./resolve-template.ts";

/** A consumer that is trusted. */
export const CONSUMER_PLACE = { account: "444455556666", region: "us-east-1" } as const;
/** An account with a subscription from the time when it was trusted. */
const UNTRUSTED = "777788889999";
const PLACE = { account: ACCOUNT, region: REGION } as const;
const SIGNER = "stackyard-distributor-signer-eu-west-1";

/** The function of the distributor's template over a simulated AWS, with the roles of the template. */
export interface DistributorWorld {
  readonly sim: AwsSim;
  /** Puts a file and its manifest into the bucket, and sends the function an event. */
  publish(version: string): Promise<void>;
  /** Uploads a file as another application, which also sends an event. */
  upload(key: string): Promise<void>;
  /** Sends the consumer's receipts for the files of a version. */
  receive(version: string): Promise<void>;
  /** Handles any other event or request. */
  handle(event: unknown): Promise<unknown>;
  /** Returns the accounts with a subscription to the topic. */
  subscribers(): readonly string[];
  /** Returns the messages of the topic. */
  sent(): readonly Readonly<Record<string, unknown>>[];
  pass(ms: number): Promise<void>;
  callsOf(role: "DistributorRole" | "SignerRole"): readonly LoggedCall[];
}

/** Makes it. */
export function createDistributorWorld(template: ResolvedTemplate): DistributorWorld {
  const clock = createFakeClock(Date.UTC(2026, 10, 20, 6));
  const sim = createAwsSim({ clock });
  const { Variables } = toJson(template.resources["DistributorFunction"]?.properties["Environment"]);
  const said = (name: string) => String(toJson(Variables)[name]);
  const bucket = said("ARTIFACTS_BUCKET");
  const prefix = said("ARTIFACT_PREFIX");
  sim.s3.createBucket({ ...PLACE, name: bucket, versioned: true });
  sim.sns.addTopic({ ...PLACE, name: "DistributionTopic" });
  // One of many is ended at once.
  const trusted = Array.from({ length: 10 }, () => CONSUMER_PLACE.account);
  for (const owner of [...trusted, UNTRUSTED]) {
    const endpoint = `arn:aws:sqs:${REGION}:${owner}:artifacts`;
    sim.sns.subscribe(said("DISTRIBUTION_TOPIC"), { owner, endpoint, deliver: () => undefined });
  }
  const distributor = openDistributor({ sim, clock, template, said });
  sim.lambda.addFunction({ ...PLACE, name: "stackyard-distributor", handler: (event) => distributor.handle(event) });
  const { StateMachineName, Definition } = template.resources["InitialSetMachine"]?.properties ?? {};
  const functionArn = `arn:aws:lambda:${REGION}:${ACCOUNT}:function:stackyard-distributor`;
  // biome-ignore lint/suspicious/noTemplateCurlyInString: as the template has it.
  const definition = JSON.parse(JSON.stringify(Definition).replaceAll("${FunctionArn}", functionArn));
  sim.stepFunctions.addStateMachine({ ...PLACE, name: String(StateMachineName), definition });

  const handle = (event: unknown) => passUntil(clock, distributor.handle(event), { extraRounds: 500 });
  const keyOf = (version: string) => `${prefix}billing-api/${version}/app.zip`;
  async function tell(key: string): Promise<void> {
    const detail = { bucket: { name: bucket }, object: { key } };
    await handle({ source: "aws.s3", "detail-type": "Object Created", account: ACCOUNT, detail });
  }

  return {
    sim,
    handle,
    async publish(version) {
      const content = `content of ${version}`;
      sim.s3.write(bucket, keyOf(version), content);
      const files = [{ key: keyOf(version), size: content.length, sha256: toDigest(content) }];
      const createdAt = new Date(clock.now()).toISOString();
      const key = `${prefix}billing-api/${version}/manifest.json`;
      sim.s3.write(bucket, key, toManifestText({ v: 1, name: "billing-api", version, createdAt, files }));
      await tell(key);
    },
    async upload(key) {
      sim.s3.write(bucket, key, "uploaded");
      await tell(key);
    },
    async receive(version) {
      const sha256 = toDigest(`content of ${version}`);
      await handle(toReceipt(clock, { name: "billing-api", version, key: keyOf(version) }, sha256));
    },
    subscribers: () => [...new Set(sim.sns.subscriptions(said("DISTRIBUTION_TOPIC")).map(({ owner }) => owner))],
    sent: () => sim.sns.published(said("DISTRIBUTION_TOPIC")).map(({ body }) => JSON.parse(body)),
    pass: (ms) => clock.advance(ms),
    callsOf: (role) =>
      sim.calls.filter(({ arn }) =>
        role === "SignerRole" ? arn.includes(`assumed-role/${SIGNER}/`) : arn.endsWith("user/DistributorRole"),
      ),
  };
}

/** Opens the distributor with the roles of the template: everything else is denied. */
function openDistributor(input: {
  readonly sim: AwsSim;
  readonly clock: FakeClock;
  readonly template: ResolvedTemplate;
  readonly said: (name: string) => string;
}) {
  const { sim, clock, template, said } = input;
  const allowedTo = (role: string) => [...new Set(findGrants(template, role).flatMap(({ actions }) => actions))];
  const credentials = sim.iam.addUser({ ...PLACE, name: "DistributorRole", allow: allowedTo("DistributorRole") });
  sim.iam.addRole({ ...PLACE, name: SIGNER, trusts: [ACCOUNT], allow: allowedTo("SignerRole") });
  const plugins = [createSimPlugin(sim)] as never;
  const access = createAwsAccess({
    clock,
    credentials,
    region: REGION,
    plugins,
    maxAttempts: 1,
    session: { name: "distributor" },
  });
  return createDistributor({
    config: {
      ...PLACE,
      bucket: said("ARTIFACTS_BUCKET"),
      prefix: said("ARTIFACT_PREFIX"),
      uploadPrefix: said("UPLOAD_PREFIX"),
      topicArn: said("DISTRIBUTION_TOPIC"),
      trustedAccounts: said("TRUSTED_ACCOUNTS").split(","),
      machineArn: said("INITIAL_SET_MACHINE"),
      keepDays: Number(said("KEEP_DAYS")),
    },
    records: createMemoryRecords(),
    clock,
    random: createRandom(1),
    write: () => undefined,
    credentials: createSignerCredentials({ access, clock, ...PLACE, roleArn: said("SIGNER_ROLE") }),
    s3: access.client(S3Client, undefined),
    sns: access.client(SNSClient, undefined),
    events: access.client(EventBridgeClient, undefined),
    states: access.client(SFNClient, undefined),
  });
}

interface ReceivedFile {
  readonly name: string;
  readonly version: string;
  readonly key: string;
}

function toReceipt(clock: FakeClock, artifact: ReceivedFile, sha256: string) {
  const detail = {
    v: 1,
    artifact,
    ...CONSUMER_PLACE,
    bucket: "copies",
    status: "stored",
    code: null,
    verified: true,
    sourceSha256: sha256,
    storedSha256: sha256,
    at: new Date(clock.now()).toISOString(),
  };
  const { account } = CONSUMER_PLACE;
  return { source: "stackyard.consumer", account, "detail-type": "artifact.receipt", detail };
}

function toDigest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
