import type { Sky, Untrue } from "@stackyard/core/testing";
import type { ConsumerPlace } from "@stackyard/sdk/artifacts";
import { PLACE } from "../a-cell.ts";
import { aProbeAnswer } from "../a-distributor-world.ts";
import { createFleet, type FleetMessage, OTHER } from "../a-fleet.ts";
import { toSha256 } from "../a-source.ts";

/** A consumer: its queue, and what is in its bucket. */
export interface LivingConsumer {
  readonly place: ConsumerPlace;
  /** Messages that it has not taken yet. */
  readonly queue: FleetMessage[];
  /** Digests by key. */
  readonly bucket: Map<string, string>;
  /** The versions that came, each since an instant. */
  readonly got: { readonly version: string; readonly at: number }[];
  bucketName: string;
  /** It takes nothing from its queue. */
  isStill: boolean;
}

/** Three versions on their way to consumers in two accounts: its hands, its ears and the truth. */
export interface ArtifactLife {
  readonly sky: Sky;
  readonly fleet: ReturnType<typeof createFleet>;
  readonly consumers: LivingConsumer[];
  /** Oldest first. */
  readonly published: { readonly version: string; readonly at: number; readonly files: ReadonlyMap<string, string> }[];
  /** Accounts that were let out, each since an instant. */
  readonly out: { readonly account: string; readonly at: number }[];
  readonly untrue: Untrue[];
  /** The statements that were judged. */
  readonly judged: Set<string>;
  /** What was done beside the publisher. */
  readonly acts: Set<string>;
  /** Ways back that are played before the last version. */
  readonly backs: ((life: ArtifactLife) => Promise<void>)[];
  /** The bucket tells the distributor of new objects. */
  isNotified: boolean;
  /** The schedule of the distributor runs. */
  isScheduled: boolean;
  /** Answers of consumers that are lost on their way, from now on. */
  lostReceipts: number;
  /** How many of the executions that were started have run. */
  executed: number;
  /** A planted bug: consumers report what they have not copied. */
  isHollow: boolean;
  /** A planted bug: the distributor does not read its list of accounts again. */
  isUnheard: boolean;
  /** A planted bug: an update of a consumer's stack does not subscribe again. */
  isUpdatedInPart: boolean;
}

export const MINUTE_MS = 60_000;
export const LOOK_MS = 5 * MINUTE_MS;
const NAME = "app";
const PATHS = ["a", "b"];

/** Opens a life: a distributor that trusts two accounts, with a consumer in each. */
export async function openArtifactLife(sky: Sky): Promise<ArtifactLife> {
  const fleet = createFleet();
  const life: ArtifactLife = {
    ...{ sky, fleet, consumers: [], published: [], out: [], untrue: [], backs: [] },
    ...{ judged: new Set<string>(), acts: new Set<string>() },
    ...{ isNotified: true, isScheduled: true, lostReceipts: 0, executed: 0 },
    ...{ isHollow: false, isUnheard: false, isUpdatedInPart: false },
  };
  for (const place of [PLACE, OTHER]) await addConsumer(life, place);
  sky.under(fleet.clock, fleet.clock.advance);
  return life;
}

/** Makes the stack of a consumer: it subscribes, then registers. */
export async function addConsumer(life: ArtifactLife, place: ConsumerPlace): Promise<void> {
  const bucketName = `bucket-${place.account}-${place.region}`;
  const kept = { queue: [], bucket: new Map<string, string>(), got: [] };
  const consumer: LivingConsumer = { place, ...kept, bucketName, isStill: false };
  life.consumers.push(consumer);
  await subscribe(life, consumer);
}

/** Subscribes the queue of a consumer anew and registers it, as an update of its stack does. */
export async function subscribe({ fleet }: ArtifactLife, consumer: LivingConsumer): Promise<void> {
  const { sim, topicArn, clock } = fleet;
  const { account, region } = consumer.place;
  const endpoint = `arn:aws:sqs:${region}:${account}:artifacts`;
  unsubscribe(fleet, consumer.place);
  sim.sns.subscribe(topicArn, {
    owner: account,
    endpoint,
    filterPolicy: { account: [account, "ALL"], region: [region, "ALL"] },
    deliver({ body }) {
      const message: FleetMessage = JSON.parse(body);
      consumer.queue.push(message);
      if (message.ArtifactKey !== undefined) consumer.got.push({ version: message.artifact.version, at: clock.now() });
    },
  });
  await fleet.register(consumer.place, consumer.bucketName).catch(() => undefined);
}

/** Ends the subscription of a consumer. */
export function unsubscribe({ sim, topicArn }: ArtifactLife["fleet"], { account, region }: ConsumerPlace): void {
  const endpoint = `arn:aws:sqs:${region}:${account}:artifacts`;
  for (const { arn, ...each } of sim.sns.subscriptions(topicArn)) if (each.endpoint === endpoint) sim.sns.end(arn);
}

/** Publishes a version of two files. */
export async function publish(life: ArtifactLife, version: string): Promise<void> {
  const { fleet, published } = life;
  const manifest = fleet.write(version, PATHS, NAME);
  const files = new Map(PATHS.map((path) => [`artifacts/${NAME}/${version}/${path}`, toSha256(version + path)]));
  published.push({ version, at: fleet.clock.now(), files });
  if (life.isNotified) await fleet.created(manifest).catch(() => undefined);
}

/** Lets each consumer take what is in its queue. */
export async function hearQueues(life: ArtifactLife): Promise<void> {
  for (const consumer of life.consumers) {
    if (consumer.isStill) continue;
    for (const message of consumer.queue.splice(0)) await take(life, consumer, message);
  }
  await life.fleet.sim.eventBridge.deliver();
}

async function take(life: ArtifactLife, consumer: LivingConsumer, message: FleetMessage): Promise<void> {
  const { fleet } = life;
  const { place, bucket, bucketName } = consumer;
  const { ArtifactKey: key, artifact } = message;
  if (key !== undefined && !life.isHollow) bucket.set(key, artifact.sha256);
  if (life.lostReceipts > 0) {
    life.lostReceipts -= 1;
    return;
  }
  const over = { bucket: bucketName };
  const answer = key === undefined ? aProbeAnswer(place, fleet.clock.now(), over) : fleet.receipt(message, place, over);
  await fleet.handle(answer).catch(() => undefined);
}

/** Sets which accounts the distributor trusts, as an update of its stack does. */
export function trust({ fleet, out, isUnheard }: ArtifactLife, accounts: readonly string[]): void {
  const all = [PLACE.account, OTHER.account];
  const at = fleet.clock.now();
  const before = out.splice(0);
  for (const account of all.filter((each) => !accounts.includes(each)))
    out.push(before.find((each) => each.account === account) ?? { account, at });
  if (!isUnheard) fleet.restart({ trustedAccounts: [...accounts] });
}
