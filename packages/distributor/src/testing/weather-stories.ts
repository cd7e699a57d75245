import { watchSim } from "@stackyard/aws-sim";
import type { Records } from "@stackyard/core";
import {
  createFreezableProgram,
  createMemoryRecords,
  type Ending,
  type PlantedBug,
  type Sky,
  type Story,
  watchRecordsOf,
} from "@stackyard/core/testing";
import { publishArtifact, toManifestText } from "@stackyard/sdk/artifacts";
import { PLACE } from "./a-cell.ts";
import { aRegistration } from "./a-distributor-world.ts";
import { createFleet, type FleetMessage, OTHER } from "./a-fleet.ts";
import { toSha256 } from "./a-source.ts";

const MINUTE_MS = 60_000;
const PATHS = ["a", "b"];
const FOLDER = "artifacts/app/1.0.0/";
const KEYS = PATHS.map((path) => FOLDER + path);
const MANIFEST = `${FOLDER}manifest.json`;
const MAX_TRIES = 8;
const BUCKET = `bucket-${PLACE.account}-${PLACE.region}`;

type Fleet = ReturnType<typeof createFleet>;

const openFleet = (sky: Sky, records: Records = createMemoryRecords()): Fleet =>
  createFleet({}, { records: watchRecordsOf(records, sky) });

/** Records whose last writer wins, whatever it has read. */
function createBlindRecords(): Records {
  const records = createMemoryRecords();
  return {
    ...records,
    async put(input) {
      const put = await records.put(input);
      if (put.kind === "written" || put.current === undefined) return put;
      return records.put({ ...input, expected: put.current.version });
    },
  };
}

/** A distributor, and a consumer that copies what is announced. */
interface Bench {
  readonly sky: Sky;
  readonly fleet: Fleet;
  /** The files in the consumer's bucket, with their digests. */
  readonly copied: Map<string, string>;
  /** The different announcements of each file. */
  readonly announced: Map<string, Set<number>>;
  heard: number;
  /** A planted bug: the consumer reports what it has not copied. */
  readonly isHollow?: boolean;
}

/** Lambda repeats an asynchronous invocation that fails twice ("Asynchronous invocation"), then the event is lost. */
async function deliver({ fleet }: Bench, event: unknown): Promise<void> {
  for (const pauseMs of [MINUTE_MS, 2 * MINUTE_MS, 0]) {
    try {
      await fleet.handle(event);
      return;
    } catch {
      await fleet.clock.advance(pauseMs);
    }
  }
}

async function copy(bench: Bench, message: FleetMessage): Promise<void> {
  const { ArtifactKey: key = "", artifact, sequence } = message;
  if (artifact.name === "stackyard.probe") return;
  bench.announced.set(key, (bench.announced.get(key) ?? new Set()).add(sequence));
  if (bench.isHollow !== true) bench.copied.set(key, artifact.sha256);
  // A receipt says when the copy was made, however late it arrives.
  const receipt = bench.fleet.receipt(message, PLACE);
  await bench.sky.meet("delivery.receipt", { key }, () => deliver(bench, receipt));
}

async function hear(bench: Bench): Promise<void> {
  const messages = bench.fleet.sent().slice(bench.heard);
  bench.heard += messages.length;
  for (const message of messages)
    await bench.sky.meet("delivery.message", { key: message.ArtifactKey }, () => copy(bench, message));
}

/** The schedule of the distributor, every five minutes. */
async function look(bench: Bench): Promise<void> {
  const { sky, fleet } = bench;
  await fleet.clock.advance(5 * MINUTE_MS);
  await sky.meet("look.schedule", {}, () => fleet.look().catch(() => undefined));
  await hear(bench);
}

/** A publisher whose program is started again when it fails, or stands still. */
async function publish(bench: Bench): Promise<string> {
  const { fleet } = bench;
  const files = PATHS.map((path) => ({ path, body: Buffer.from(`content of ${path}`) }));
  const { s3: client } = fleet.options;
  const where = { client, bucket: "source", prefix: "artifacts/", name: "app", version: "1.0.0" };
  const run = createFreezableProgram(
    fleet.clock,
    ({ now }) =>
      () =>
        publishArtifact({ ...where, files, labels: {}, now }),
  );
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    try {
      const { outcome } = await run(undefined);
      await writeCreated(bench, [...KEYS, MANIFEST]);
      return outcome;
    } catch {
      await fleet.clock.advance(MINUTE_MS);
    }
  }
  return "given up";
}

async function writeCreated(bench: Bench, keys: readonly string[]): Promise<void> {
  const { sky, fleet } = bench;
  for (const key of keys)
    await sky.meet("delivery.created", { key }, async () => {
      await fleet.created(key).catch(async () => {
        await fleet.clock.advance(MINUTE_MS);
        await fleet.created(key).catch(() => undefined);
      });
    });
}

/** A replica of another bucket, or a restored one, has the smallest object first. */
async function replicate(bench: Bench): Promise<string> {
  const { sim, clock } = bench.fleet;
  const bodies = PATHS.map((path) => `content of ${path}`);
  const files = bodies.map((body, index) => ({ key: KEYS[index] ?? "", size: body.length, sha256: toSha256(body) }));
  const createdAt = new Date(clock.now()).toISOString();
  const manifest = toManifestText({ v: 1, name: "app", version: "1.0.0", createdAt, files });
  sim.s3.write("source", MANIFEST, manifest);
  await writeCreated(bench, [MANIFEST]);
  await clock.advance(2_000);
  for (const [index, body] of bodies.entries()) sim.s3.write("source", KEYS[index] ?? "", body);
  await writeCreated(bench, KEYS);
  return "replicated";
}

/** An hour later someone has deleted a copy, and the consumer reports what it has. */
async function loseOne(bench: Bench): Promise<void> {
  const { sky, fleet, copied } = bench;
  await fleet.clock.advance(60 * MINUTE_MS);
  copied.delete(KEYS[0] ?? "");
  const seen = KEYS.map((key) => ({ key, sha256: copied.get(key) ?? null }));
  const request = { op: "compare", name: "app", version: "1.0.0", ...PLACE, bucket: BUCKET, seen };
  for (let tries = 0, isDone = false; tries < 3 && !isDone; tries += 1)
    isDone = await fleet.handle(request).then(
      () => true,
      () => false,
    );
  await sky.meet("look.verify", {}, async () => undefined);
}

async function toEnding(bench: Bench, published: string): Promise<Ending> {
  const { fleet, copied, announced } = bench;
  const rows = await fleet.coverage();
  const isCovered = rows.length > 0 && rows.every(({ covered }) => covered);
  const isThere = KEYS.every((key, index) => copied.get(key) === toSha256(`content of ${PATHS[index]}`));
  // Someone else may delete a manifest before it is read: then there is no such version.
  const isPublished = published !== "given up" && fleet.sim.s3.findObject("source", MANIFEST) !== undefined;
  const isRefused = rows.some(({ refusal }) => refusal !== undefined);
  return {
    verdict: isCovered ? "succeeded" : "unknown",
    truth: isThere ? "succeeded" : "unfinished",
    said: `${published}; ${JSON.stringify(rows)}`,
    begun: Object.fromEntries([...announced].map(([key, sequences]) => [`announcement of ${key}`, sequences.size])),
    ended: [],
    left: [
      ...(isPublished && rows.length === 0 ? ["a published version"] : []),
      ...(isPublished && !isThere && !isRefused ? ["a file that has not arrived after two hours"] : []),
    ],
    foreign: [],
    views: { coverage: isCovered ? "succeeded" : "unfinished" },
  };
}

/** The ways in which files reach a consumer. */
interface PublishingInput {
  readonly name: string;
  /** The manifest is in the source bucket before its files. */
  readonly isManifestFirst?: boolean;
  /** A person deletes a copy, and `artifacts verify` finds out. */
  readonly isLost?: boolean;
}

/** What is wrong in a planted program. */
interface Planted {
  readonly isHollow?: boolean;
  readonly records?: () => Records;
}

function publishing({ name, isManifestFirst = false, isLost = false }: PublishingInput): Story {
  const toPlay = ({ isHollow = false, records = createMemoryRecords }: Planted = {}): Story["play"] => {
    return async (sky) => {
      const fleet = openFleet(sky, records());
      const bench: Bench = { sky, fleet, copied: new Map(), announced: new Map(), heard: 0, isHollow };
      sky.under(fleet.clock, fleet.clock.advance);
      watchSim(fleet.sim, sky);
      await deliver(bench, aRegistration(PLACE));
      const published = await (isManifestFirst ? replicate(bench) : publish(bench));
      await hear(bench);
      for (let looks = 0; looks < 3; looks += 1) await look(bench);
      sky.phase("stored");
      if (isLost) await loseOne(bench);
      await look(bench);
      await sky.clear();
      for (let looks = 0; looks < 24; looks += 1) await look(bench);
      return toEnding(bench, published);
    };
  };
  const hollow = "a receipt for a file that was not copied";
  const overwriting: PlantedBug = {
    bug: "a process that was frozen overwrites what another one has written",
    run: { at: "S3.HeadObject#3", weather: "frozen 2 min" },
    invariant: "once",
    play: toPlay({ records: createBlindRecords }),
  };
  return {
    name,
    play: toPlay(),
    planted: [
      { bug: hollow, invariant: "views", play: toPlay({ isHollow: true }) },
      ...(isManifestFirst ? [] : [overwriting]),
    ],
  };
}

/** Subscribes the second consumer, as its stack does. Returns the versions that its queue gets. */
async function subscribeOther(bench: Bench): Promise<readonly string[]> {
  const { sim, topicArn } = bench.fleet;
  const got: string[] = [];
  sim.sns.subscribe(topicArn, {
    owner: OTHER.account,
    endpoint: `arn:aws:sqs:${OTHER.region}:${OTHER.account}:artifacts`,
    deliver: ({ body }) => void got.push(JSON.parse(body).artifact.version ?? "probe"),
  });
  await deliver(bench, aRegistration(OTHER));
  return got;
}

/** An account is taken from the list; it must get nothing of what is published afterwards. `isUnheard`: the list stays. */
function playDistrust(isUnheard = false): Story["play"] {
  return async (sky) => {
    const fleet = openFleet(sky);
    const bench: Bench = { sky, fleet, copied: new Map(), announced: new Map(), heard: 0 };
    sky.under(fleet.clock, fleet.clock.advance);
    await deliver(bench, aRegistration(PLACE));
    const got = await subscribeOther(bench);
    await fleet.look().catch(() => undefined);
    const before = got.length;
    if (!isUnheard) fleet.restart({ trustedAccounts: [PLACE.account] });
    watchSim(fleet.sim, sky);
    const published = await publish(bench);
    await hear(bench);
    for (let looks = 0; looks < 3; looks += 1) await look(bench);
    await sky.clear();
    for (let looks = 0; looks < 24; looks += 1) await look(bench);
    const ending = await toEnding(bench, published);
    const isOut = fleet.sim.sns.subscriptions(fleet.topicArn).every(({ owner }) => owner !== OTHER.account);
    return {
      ...ending,
      left: [
        ...ending.left,
        ...got.slice(before).map((version) => `the announcement of ${version} at an account that is not trusted`),
        ...(isOut ? [] : ["the subscription of an account that is not trusted"]),
      ],
    };
  };
}

const distrusting: Story = {
  name: "artifacts-distrust",
  play: playDistrust(),
  planted: [{ bug: "the list of accounts is not read again", invariant: "left", play: playDistrust(true) }],
};

/** The stories of artifacts on their way to a consumer. */
export const distributorStories: readonly Story[] = [
  distrusting,
  publishing({ name: "artifacts-publish" }),
  publishing({ name: "artifacts-manifest-first", isManifestFirst: true }),
  publishing({ name: "artifacts-lost-and-verified", isLost: true }),
];
