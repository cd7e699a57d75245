import { type AwsEvent, type AwsSim, createAwsSim } from "@stackyard/aws-sim";
import { type Records, silentLogger } from "@stackyard/core";
import { createMemoryRecords, createRandom } from "@stackyard/core/testing";
import type { ConsumerPlace } from "@stackyard/sdk/artifacts";
import type { DistributorContext } from "../context.ts";
import type { Announcer, PublishedArtifact } from "../fan-out.ts";
import { artifacts } from "../versions.ts";
import { digestOf, T0 } from "./a-cell.ts";
import { aManifest } from "./an-artifact.ts";
import { createPassingClock } from "./passing-clock.ts";
import { openSimClients } from "./sim-clients.ts";

/** The distributor's account and region. */
export const SOURCE = { account: "999988887777", region: "eu-west-1" } as const;

/** An announcement: the number of files, the version and the target; a probe, or a retirement. */
export interface Announced {
  readonly what: "files" | "probe" | "retirement";
  readonly to: string;
  readonly version?: string;
  readonly keys?: readonly string[];
  readonly at: number;
}

/** A version for a world. */
export interface WorldVersion {
  readonly name?: string;
  readonly version: string;
  readonly files?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly publishedAt?: number;
}

/** A distributor's parts over simulated services, where time passes while everybody sleeps. */
export interface DistributorWorld {
  readonly context: DistributorContext;
  readonly sim: AwsSim;
  readonly announced: Announced[];
  /** Events `artifact.covered`. */
  readonly covered: AwsEvent[];
  readonly metrics: string[];
  pass(ms: number): Promise<void>;
  publish(version: WorldVersion): Promise<PublishedArtifact>;
}

/** What may differ. */
export interface WorldOptions {
  readonly config?: Partial<DistributorContext["config"]>;
  readonly trust?: DistributorContext["trust"];
  /** Wraps the records, for another process over the same records and services. */
  wrapRecords?(records: Records): Records;
}

/** Creates an empty distributor that trusts two accounts. */
export function createDistributorWorld(options: WorldOptions = {}): DistributorWorld {
  const clock = createPassingClock(T0);
  const sim = createAwsSim({ clock });
  const { s3, sns, events, states } = openSimClients(sim, SOURCE);
  const memory = createMemoryRecords();
  const records = options.wrapRecords?.(memory) ?? memory;
  const [announced, covered, metrics]: [Announced[], AwsEvent[], string[]] = [[], [], []];
  const published = new Map<string, PublishedArtifact>();
  sim.s3.createBucket({ ...SOURCE, name: "source" });
  sim.eventBridge.addRule({
    ...SOURCE,
    pattern: { source: ["stackyard.distributor"] },
    target: async (event: unknown) => void covered.push(event as AwsEvent),
  });
  const context: DistributorContext = {
    records,
    clock,
    random: createRandom(1),
    logger: silentLogger,
    trust: options.trust ?? { accounts: TRUSTED },
    s3,
    sns,
    events,
    states,
    config: {
      ...SOURCE,
      bucket: "source",
      prefix: "",
      topicArn: sim.sns.addTopic({ ...SOURCE, name: "artifacts" }),
      trustedAccounts: TRUSTED,
      ...options.config,
    },
    announcer: createRecordingAnnouncer(announced, clock),
    publish: async () => ({ kind: "ignored" }),
    loadPublished: async (name, version) => published.get(`${name}/${version}`),
    write: (line) => void metrics.push(line),
  };
  let sequence = 0;
  return {
    context,
    sim,
    announced,
    covered,
    metrics,
    pass: (ms) => clock.advance(ms),
    async publish(input) {
      sequence += 1;
      const artifact = anArtifact(input, sequence);
      const { name, version } = artifact.manifest;
      published.set(`${name}/${version}`, artifact);
      const value = toArtifactRecord(artifact, input.publishedAt ?? clock.now());
      await artifacts.add({ records: memory, clock }, `${name}/${version}`, { value });
      return artifact;
    },
  };
}

const TRUSTED = ["111122223333", "444455556666"];

function anArtifact({ name = "billing-api", version, files = 2, labels = {} }: WorldVersion, sequence: number) {
  const paths = Array.from({ length: files }, (_, index) => `${name}/${version}/file-${index}`);
  return {
    manifest: aManifest({
      name,
      version,
      labels,
      files: paths.map((key, index) => ({ key, size: 10, sha256: digestOf(String(index % 10)) })),
    }),
    manifestKey: `${name}/${version}/manifest.json`,
    manifestSha256: digestOf("a"),
    sequence,
    distributionId: `d-${sequence}`,
  } satisfies PublishedArtifact;
}

function toArtifactRecord({ manifest, ...rest }: PublishedArtifact, publishedAt: number) {
  const { name, version, labels = {}, files } = manifest;
  return {
    v: 1 as const,
    name,
    version,
    ...rest,
    manifestVersionId: null,
    contentSha256: digestOf("a"),
    publishedAt: new Date(publishedAt).toISOString(),
    writtenAt: new Date(publishedAt).toISOString(),
    labels,
    files: files.length,
    bytes: files.length * 10,
    versionIds: files.map(() => null),
    announcedAt: null,
    retiredAt: null,
  };
}

function createRecordingAnnouncer(announced: Announced[], { now }: { now(): number }): Announcer {
  const toText = ({ account, region }: ConsumerPlace) => `${account}/${region}`;
  return {
    async announce({ manifest }, target, keys = manifest.files.map(({ key }) => key)) {
      const to = target === "ALL" ? target : toText(target);
      announced.push({ what: "files", to, version: `${manifest.name}@${manifest.version}`, keys, at: now() });
      return keys.length;
    },
    async announceRetirement({ manifest }, target) {
      const version = `${manifest.name}@${manifest.version}`;
      announced.push({ what: "retirement", to: toText(target), version, at: now() });
      return manifest.files.length;
    },
    async probe(target) {
      announced.push({ what: "probe", to: toText(target), at: now() });
    },
  };
}

/** Returns EventBridge's event of a receipt for a file of a version. */
export function aReceiptEvent(
  artifact: PublishedArtifact,
  place: ConsumerPlace,
  {
    file = 0,
    at = T0,
    ...changes
  }: Readonly<Record<string, unknown>> & { readonly file?: number; readonly at?: number } = {},
) {
  const { name, version, files } = artifact.manifest;
  const { key, sha256 } = files[file] ?? { key: "none", sha256: digestOf("f") };
  return aReceipt({ name, version, key }, place, { at: new Date(at).toISOString(), ...toStored(sha256), ...changes });
}

/** Returns the event of a receipt for anything: it is stored. */
export function aReceipt(artifact: object, { account, region }: ConsumerPlace, changes: object) {
  const place = { account, region, bucket: `bucket-${account}-${region}` };
  const status = { status: "stored", code: null, verified: true, at: new Date(T0).toISOString() };
  const detail = { v: 1, artifact, ...place, ...status, ...changes };
  return { source: "stackyard.consumer", account, "detail-type": "artifact.receipt", detail };
}

/** Returns the digests of a receipt for a file that was stored unchanged. */
export function toStored(sha256: string) {
  return { sourceSha256: sha256, storedSha256: sha256 };
}

/** Returns the event by which a consumer registers. */
export function aRegistration({ account, region }: ConsumerPlace, capabilities: readonly string[] = ["v2", "sha256"]) {
  const detail = { v: 1, account, region, bucket: `bucket-${account}-${region}`, capabilities };
  return { source: "stackyard.consumer", account, "detail-type": "consumer.registered", detail };
}

/** Returns the event of the answer to a probe. */
export function aProbeAnswer(place: ConsumerPlace, at = T0, over: object = {}) {
  const unread = { verified: false, sourceSha256: null, storedSha256: null };
  const artifact = { name: "stackyard.probe", version: null, key: null };
  return aReceipt(artifact, place, {
    status: "present",
    code: "PROBE",
    at: new Date(at).toISOString(),
    ...unread,
    ...over,
  });
}
