import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ArtifactMessage } from "../messages.ts";
import { anAnnouncement, createACopier, digest, inChunks, serve, someBytes, TARGET } from "../testing/a-copier.ts";
import { KEY, NOW } from "../testing/a-message.ts";
import type { SourceAnswer, SourceFetch } from "./source-fetch.ts";

const PART = 5 * 1_024 ** 2;
const RIGHT = someBytes(PART + 77);
const WRONG = someBytes(PART + 77, 5);
const MANIFEST_KEY = "billing-api/1.4.2/manifest.json";
const PARTS = [0, PART].map((from) => RIGHT.subarray(from, from + PART));
const MANIFEST = Buffer.from(
  JSON.stringify({
    files: [
      {
        key: KEY,
        size: RIGHT.length,
        sha256: digest(RIGHT),
        parts: PARTS.map((bytes) => ({ size: bytes.length, sha256: digest(bytes) })),
      },
    ],
  }),
);
const MESSAGE = {
  ...anAnnouncement(RIGHT),
  manifest: { key: MANIFEST_KEY, sha256: digest(MANIFEST), url: "https://source" },
};

/** What a source may do to one request. */
const TROUBLES = {
  none: () => undefined,
  wrong: (bytes: Buffer) => WRONG.subarray(0, bytes.length),
  short: (bytes: Buffer) => bytes.subarray(0, -1),
  long: (bytes: Buffer) => Buffer.concat([bytes, bytes.subarray(0, 1)]),
  other: () => ({ range: { from: 1, to: 2, size: 3 } }),
  broken: (bytes: Buffer) => ({ body: breakOff(bytes) }),
  expired: (): Partial<SourceAnswer> => ({ kind: "refused", status: 403, code: "ExpiredToken" }),
  denied: (): Partial<SourceAnswer> => ({ kind: "refused", status: 403, code: "AccessDenied" }),
  missing: (): Partial<SourceAnswer> => ({ kind: "refused", status: 404, code: "NoSuchKey" }),
  busy: (): Partial<SourceAnswer> => ({ kind: "refused", status: 503, code: "SlowDown" }),
} satisfies Readonly<Record<string, (bytes: Buffer) => Partial<SourceAnswer> | Buffer | undefined>>;
type Trouble = keyof typeof TROUBLES;

async function* breakOff(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield* inChunks(bytes.subarray(0, bytes.length >> 1));
  throw new Error("reset");
}

function createTroubled(troubles: readonly Trouble[]): SourceFetch {
  const left = troubles.values();
  return serve({ [KEY]: RIGHT, [MANIFEST_KEY]: MANIFEST }, (_call, bytes) =>
    TROUBLES[left.next().value ?? "none"](bytes),
  );
}

type World = ReturnType<typeof createACopier>;

/** Delivers a message until that has an end, each time to another process; every fourth has no time. */
async function deliver({ create, sim }: World, message: ArtifactMessage): Promise<string> {
  for (let attempt = 1; attempt <= 16; attempt += 1) {
    const deadlineAt = attempt % 4 === 0 ? NOW : NOW + 60_000;
    const { kind } = await create().copy({ message, attempt, deadlineAt });
    const shown = sim.s3.findObject(TARGET.bucket, KEY);
    expect(shown === undefined || shown.body.equals(RIGHT)).toBe(true);
    if (kind === "stored" || kind === "failed") return kind;
  }
  return "no end";
}

describe("copies with any troubles of the source, in any order, by processes that come and go", () => {
  it("never show anything but the right bytes, and end", { timeout: 120_000 }, async () => {
    const troubles = fc.array(fc.constantFrom<Trouble>(...(Object.keys(TROUBLES) as Trouble[])), { maxLength: 14 });
    const { manifest: _none, ...plain } = MESSAGE;
    await fc.assert(
      fc.asyncProperty(troubles, fc.constantFrom(1, 4), fc.boolean(), async (script, partsAtOnce, hasParts) => {
        const world = createACopier({ fetch: createTroubled(script), partsAtOnce });

        const end = await deliver(world, hasParts ? MESSAGE : plain);

        expect(["stored", "failed"]).toContain(end);
        expect(world.sim.s3.findObject(TARGET.bucket, KEY) !== undefined).toBe(end === "stored");
        expect(world.sim.s3.uploads(TARGET.bucket)).toEqual([]);
      }),
      { numRuns: 15 },
    );
  });
});
