import type { S3Client } from "@aws-sdk/client-s3";
import { describe, expect, it } from "vitest";
import type { ArtifactMessage } from "../messages.ts";
import {
  type ACopier,
  anAnnouncement,
  anOldAnnouncement,
  createACopier,
  digest,
  serve,
  someBytes,
  TARGET,
} from "../testing/a-copier.ts";
import { KEY } from "../testing/a-message.ts";

const SMALL = Buffer.from("the artifact");
const LARGE = someBytes(5 * 1_024 ** 2 + 1_000);
const PARTS = [LARGE.subarray(0, 5 * 1_024 ** 2), LARGE.subarray(5 * 1_024 ** 2)];
const MANIFEST_KEY = "billing-api/1.4.2/manifest.json";
const MANIFEST = Buffer.from(
  JSON.stringify({
    files: [
      {
        key: KEY,
        size: LARGE.length,
        sha256: digest(LARGE),
        parts: PARTS.map((bytes) => ({ size: bytes.length, sha256: digest(bytes) })),
      },
    ],
  }),
);
const FILES = { [KEY]: LARGE, [MANIFEST_KEY]: MANIFEST };
const manifest = { key: MANIFEST_KEY, sha256: digest(MANIFEST), url: "https://source" };

const CASES: readonly (readonly [string, ArtifactMessage, Readonly<Record<string, Buffer>>])[] = [
  ["a small file", anAnnouncement(SMALL), { [KEY]: SMALL }],
  ["a large file in parts that are known", { ...anAnnouncement(LARGE), manifest }, FILES],
  ["a large file in one pass", anAnnouncement(LARGE), FILES],
  ["a large file of a first message", anOldAnnouncement(), FILES],
];

/** A client that is dead from its nth call on: before S3 hears of it, or after S3 has done it. */
function killAt(client: S3Client, at: number, when: "before" | "after"): { isDead: boolean } {
  const state = { calls: 0, isDead: false };
  client.middlewareStack.add(
    (next) => async (args) => {
      state.calls += 1;
      const isLast = state.calls === at;
      if (!state.isDead && !isLast) return next(args);
      state.isDead = true;
      if (isLast && when === "after") await next(args);
      throw Object.assign(new Error("The process died."), { code: "ECONNRESET" });
    },
    { step: "initialize", priority: "high" },
  );
  return state;
}

async function copyUntilDone(world: ACopier, message: ArtifactMessage, files: Readonly<Record<string, Buffer>>) {
  const copier = world.create({ fetch: serve(files) });
  for (let attempt = 1; attempt <= 5; attempt += 1) {
    const { kind } = await copier.copy({ message, attempt });
    if (kind === "stored" || kind === "present") return kind;
  }
  return "never";
}

describe.each(CASES)("a process that dies while it copies %s", (_what, message, files) => {
  it.each(["before", "after"] as const)(
    "%s any call leaves the right object or none, and the next one ends it",
    async (when) => {
      const right = files[KEY] ?? Buffer.alloc(0);
      for (let at = 1, isDead = true; isDead; at += 1) {
        const world = createACopier();
        const client = world.connect();
        const state = killAt(client, at, when);
        await world
          .create({ client, fetch: serve(files) })
          .copy({ message })
          .catch(() => undefined);
        const left = world.sim.s3.findObject(TARGET.bucket, KEY);
        expect(left === undefined || left.body.equals(right), `after death at call ${at}`).toBe(true);

        expect(await copyUntilDone(world, message, files), `after death at call ${at}`).not.toBe("never");

        expect(world.sim.s3.findObject(TARGET.bucket, KEY)?.body.equals(right)).toBe(true);
        ({ isDead } = state);
        // What was begun and not written down is left to the bucket's lifecycle rule.
        const begunUnknown = world.sim.s3.uploads(TARGET.bucket);
        expect(begunUnknown.length).toBeLessThanOrEqual(isDead ? 1 : 0);
      }
    },
  );
});

describe("a process that dies while it copies wrong bytes over an old object", () => {
  it("leaves the old object at any call", async () => {
    for (let at = 1, isDead = true; isDead; at += 1) {
      const world = createACopier();
      world.sim.s3.write(TARGET.bucket, KEY, "old");
      const client = world.connect();
      const state = killAt(client, at, "after");

      const wrong = serve(FILES, () => LARGE.subarray(1));
      await world
        .create({ client, fetch: wrong })
        .copy({ message: anAnnouncement(LARGE) })
        .catch(() => undefined);

      expect(world.sim.s3.findObject(TARGET.bucket, KEY)?.body.toString()).toBe("old");
      ({ isDead } = state);
    }
  });
});
