import { PutObjectCommand } from "@aws-sdk/client-s3";
import { type CoverageCell, type CoverageRow, type PublishFile, publishArtifact } from "@stackyard/sdk/artifacts";
import { type ConsumerPlan, SOURCE_BUCKET } from "./places.ts";
import type { World } from "./world.ts";

/** A version. */
export interface Version {
  readonly name: string;
  readonly version: string;
}

/** Of virtual time. */
export const MINUTE_MS = 60_000;

/** Publishes as `stackyard artifacts publish` does. */
export async function publishVersion(world: World, version: Version, files: readonly PublishFile[]): Promise<void> {
  const { clients, yard } = world;
  await publishArtifact({ client: clients.s3, bucket: SOURCE_BUCKET, now: yard.clock.now, ...version, files });
}

/** Uploads one file like a pipeline without manifests. */
export async function upload({ clients }: World, key: string, body: string): Promise<void> {
  await clients.s3.send(new PutObjectCommand({ Bucket: SOURCE_BUCKET, Key: key, Body: body }));
}

/** Returns the status of a version, as the distributor reports it. */
export async function findRow({ distributor }: World, { name, version }: Version): Promise<CoverageRow | undefined> {
  const { rows } = await distributor.call({ op: "coverage", name, version });
  return rows[0];
}

/** Returns the newest version of each artifact, which a new consumer receives. */
export async function listCurrent({ distributor }: World): Promise<readonly Version[]> {
  const { items } = await distributor.call({ op: "list" });
  const newest = new Map<string, (typeof items)[number]>();
  for (const item of items) {
    const known = newest.get(item.name);
    if (known === undefined || (item.publishedAt ?? "") > (known.publishedAt ?? "")) newest.set(item.name, item);
  }
  return [...newest.values()].map(({ name, version }) => ({ name, version }));
}

/** Returns a version's status at one consumer. */
export async function findCell(world: World, at: Version, plan: ConsumerPlan): Promise<CoverageCell | undefined> {
  const row = await findRow(world, at);
  return row?.cells.find(({ account, region }) => account === plan.account && region === plan.region);
}

/** Waits until all consumers have stored it. Returns whether they have, and how long it took. */
export async function waitUntilCovered(
  world: World,
  version: Version,
  mostMinutes = 120,
): Promise<{ readonly isCovered: boolean; readonly told: string }> {
  const beganAt = world.yard.clock.now();
  const holds = async (): Promise<boolean> => (await findRow(world, version))?.covered === true;
  const isCovered = await world.passUntil(holds, mostMinutes * MINUTE_MS);
  const cells = (await findRow(world, version))?.cells ?? [];
  const stand = cells.filter(isThere).length;
  const took = formatTime(world.yard.clock.now() - beganAt);
  const told = `${version.name} ${version.version} is in ${stand} of ${cells.length} places ${took}.`;
  return { isCovered, told };
}

/** Returns true when the consumer has the version, according to the distributor. */
export function isThere({ status }: Pick<CoverageCell, "status">): boolean {
  return status === "stored" || status === "present";
}

/** Lets that time pass. */
export async function passMinutes({ yard, passUntil }: World, minutes: number): Promise<void> {
  const until = yard.clock.now() + minutes * MINUTE_MS;
  await passUntil(async () => yard.clock.now() >= until, (minutes + 1) * MINUTE_MS);
}

/** Formats a virtual time. */
export function formatTime(ms: number): string {
  if (ms === 0) return "at once";
  const seconds = Math.round(ms / 1_000);
  return `after ${seconds < 90 ? `${seconds} s` : `${Math.round(seconds / 60)} min`}`;
}
