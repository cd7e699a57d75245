import type { LifeInvariant } from "@stackyard/core/testing";
import { type ArtifactLife, type LivingConsumer, LOOK_MS } from "./an-artifact-life.ts";

/** Judges each new statement of the coverage by what is in the buckets, and each delivery by who may have it. */
export async function hearArtifacts(life: ArtifactLife): Promise<void> {
  const rows = await life.fleet.coverage().catch(() => []);
  for (const { version, covered, cells, refusal } of rows) {
    if (refusal !== undefined) continue;
    for (const { account, region, filesDone } of cells) {
      const consumer = findConsumer(life, account, region);
      judge(life, `cell ${version} ${account} ${region} ${filesDone} ${consumer?.bucketName}`, {
        isTrue: consumer !== undefined && countFiles(life, consumer, version) >= filesDone,
        sentence: "a file counts as arrived that is not in the bucket",
      });
    }
    if (!covered) continue;
    const expected = cells.map(({ account, region }) => findConsumer(life, account, region));
    judge(life, `covered ${version} ${expected.map((each) => each?.bucketName).join()}`, {
      isTrue: expected.every((each) => each !== undefined && isWhole(life, each, version)),
      sentence: "a version is covered, and a consumer does not have it",
    });
  }
  for (const { account, at } of life.out) {
    const since = (version: string) => life.published.find((each) => each.version === version)?.at ?? 0;
    for (const { place, got } of life.consumers.filter((each) => each.place.account === account))
      judge(life, `out ${account} ${got.length}`, {
        isTrue: got.every((each) => each.at <= at || since(each.version) <= at),
        invariant: "newest",
        sentence: `an account that was let out gets what is published afterwards: ${place.region}`,
      });
  }
}

/** Judges the end: the newest version is at each consumer that is trusted and subscribed. */
export function judgeEnd(life: ArtifactLife, fair: Map<string, string>): string {
  const { acts, consumers, published, out } = life;
  const newest = published.at(-1)?.version ?? "";
  const lacking = consumers.filter((each) => isAwaited(life, each) && !isWhole(life, each, newest));
  if (lacking.length > 0)
    note(life, "newest", "the newest version is not at a consumer that is trusted and subscribed");
  const world = consumers
    .map((each) => `${each.place.account}: ${countFiles(life, each, newest)}`)
    .toSorted()
    .join(", ");
  if (acts.size === 0) fair.set("world", world);
  if (acts.has("back") && fair.get("world") !== world) note(life, "back", `after the way back ${world}`);
  return `${newest} ${world}${out.length > 0 ? `, out: ${out.map(({ account }) => account).join()}` : ""}`;
}

function isAwaited({ fleet, out }: ArtifactLife, { place, isStill }: LivingConsumer): boolean {
  const endpoint = `arn:aws:sqs:${place.region}:${place.account}:artifacts`;
  const isSubscribed = fleet.sim.sns.subscriptions(fleet.topicArn).some((each) => each.endpoint === endpoint);
  return isSubscribed && !isStill && out.every(({ account }) => account !== place.account);
}

function findConsumer({ consumers }: ArtifactLife, account: string, region: string): LivingConsumer | undefined {
  return consumers.find(({ place }) => place.account === account && place.region === region);
}

function countFiles({ published }: ArtifactLife, { bucket }: LivingConsumer, version: string): number {
  const files = published.find((each) => each.version === version)?.files ?? new Map<string, string>();
  return [...files].filter(([key, digest]) => bucket.get(key) === digest).length;
}

function isWhole(life: ArtifactLife, consumer: LivingConsumer, version: string): boolean {
  const { size = 0 } = life.published.find((each) => each.version === version)?.files ?? {};
  return size > 0 && countFiles(life, consumer, version) === size;
}

interface Statement {
  readonly isTrue: boolean;
  readonly sentence: string;
  readonly invariant?: LifeInvariant;
}

/** A statement is judged once, when it is new. */
function judge(life: ArtifactLife, key: string, { isTrue, sentence, invariant = "said" }: Statement): void {
  if (!life.judged.has(key) && !isTrue) note(life, invariant, sentence);
  life.judged.add(key);
}

function note({ untrue }: ArtifactLife, invariant: LifeInvariant, sentence: string): void {
  if (untrue.every((each) => each.sentence !== sentence)) untrue.push({ invariant, sentence });
}

/** What a consumer must have by then is announced to it again while it has no receipt. */
export const SETTLE_MS: number = 48 * LOOK_MS;
