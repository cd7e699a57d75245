import type { Weather } from "@stackyard/core/testing";
import { PLACE } from "../a-cell.ts";
import { OTHER } from "../a-fleet.ts";
import {
  type ArtifactLife,
  addConsumer,
  type LivingConsumer,
  LOOK_MS,
  MINUTE_MS,
  subscribe,
  trust,
  unsubscribe,
} from "./an-artifact-life.ts";

/** What a person, a tool or a provider changes between two looks of the schedule. */
interface ArtifactChange {
  readonly name: string;
  /** The page of the service, or the public report, in which it happens. */
  readonly source: string;
  act(life: ArtifactLife): Promise<void> | void;
  /** The documented way back, which is played before the last version. */
  readonly back?: (life: ArtifactLife) => Promise<void> | void;
}

function findOther({ consumers }: ArtifactLife): LivingConsumer {
  const other = consumers.find(({ place }) => place.account === OTHER.account);
  if (other === undefined) throw new Error("The life has no other consumer.");
  return other;
}

const artifactChanges: readonly ArtifactChange[] = [
  {
    name: "an account is let out",
    source: "docs/artifacts.md, Let an account out",
    act(life) {
      life.acts.add("out");
      trust(life, [PLACE.account]);
    },
    async back(life) {
      trust(life, [PLACE.account, OTHER.account]);
      if (!life.isUpdatedInPart) await subscribe(life, findOther(life));
    },
  },
  {
    name: "a person ends a subscription",
    source: "Amazon SNS API reference, Unsubscribe",
    act(life) {
      life.acts.add("unsubscribed");
      unsubscribe(life.fleet, OTHER);
    },
    async back(life) {
      await subscribe(life, findOther(life));
    },
  },
  {
    name: "the stack of a consumer is made anew",
    source: "docs/artifacts.md, Add an account",
    async act(life) {
      life.acts.add("anew");
      const other = findOther(life);
      unsubscribe(life.fleet, OTHER);
      other.queue.splice(0);
      await life.fleet.clock.advance(MINUTE_MS);
      await subscribe(life, other);
    },
  },
  {
    name: "a consumer gets another bucket",
    source: "docs/artifacts.md, Add an account",
    async act(life) {
      life.acts.add("bucket");
      const other = findOther(life);
      other.bucketName = "another-bucket";
      other.bucket.clear();
      await subscribe(life, other);
    },
  },
  {
    name: "a consumer stands still",
    source: "AWS Lambda developer guide: reserved concurrency of zero throttles all events",
    act(life) {
      life.acts.add("still");
      findOther(life).isStill = true;
    },
    back(life) {
      findOther(life).isStill = false;
    },
  },
  {
    name: "the next receipts are lost",
    source: "Amazon EventBridge user guide: dead-letter queues",
    act(life) {
      life.acts.add("lost");
      life.lostReceipts = 2;
    },
  },
  {
    name: "the notifications of the bucket are replaced",
    source: "Amazon S3 API reference, PutBucketNotificationConfiguration replaces the existing one",
    act(life) {
      life.acts.add("unnotified");
      life.isNotified = false;
    },
    back(life) {
      life.isNotified = true;
    },
  },
  {
    name: "the schedule is disabled",
    source: "Amazon EventBridge user guide: disabling a rule",
    act(life) {
      life.acts.add("unscheduled");
      life.isScheduled = false;
    },
    back(life) {
      life.isScheduled = true;
    },
  },
  {
    name: "the distributor is updated",
    source: "AWS Lambda developer guide: an update starts new environments",
    act(life) {
      life.acts.add("restart");
      life.fleet.restart();
    },
  },
  {
    name: "a region gets a consumer",
    source: "docs/artifacts.md, Add an account",
    async act(life) {
      life.acts.add("added");
      if (life.consumers.length > 2) return;
      await addConsumer(life, { account: PLACE.account, region: "ap-southeast-2" });
    },
  },
  {
    name: "nothing runs for two days",
    source: "AWS Health: an outage of a region",
    async act(life) {
      life.acts.add("away");
      await life.fleet.clock.advance(576 * LOOK_MS);
    },
  },
];

const AND_BACK = ", and back";

/** The changes as weathers: the life plays the one that a look names. */
export const artifactSeasons: readonly Weather[] = artifactChanges.flatMap(({ name, source, back }) =>
  [name, ...(back === undefined ? [] : [`${name}${AND_BACK}`])].map(
    (each): Weather => ({
      name: each,
      source,
      fits: ({ operation }) => operation.startsWith("look."),
      async meet(_, proceed, world) {
        await world.act(each, {});
        return proceed();
      },
    }),
  ),
);

/** Plays the change of a weather's name. */
export async function actInLife(life: ArtifactLife, name: string): Promise<void> {
  const change = artifactChanges.find((each) => each.name === name.replace(AND_BACK, ""));
  if (change === undefined) return;
  await change.act(life);
  if (name.endsWith(AND_BACK) && change.back !== undefined) life.backs.push(async (each) => change.back?.(each));
}
