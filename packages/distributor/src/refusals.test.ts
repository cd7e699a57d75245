import { SimFault } from "@stackyard/aws-sim";
import { publishArtifact, toManifestText } from "@stackyard/sdk/artifacts";
import { describe, expect, it } from "vitest";
import { listRefusals } from "./refusals.ts";
import { PLACE } from "./testing/a-cell.ts";
import { createFleet } from "./testing/a-fleet.ts";
import { toSha256 } from "./testing/a-source.ts";

const ID = { name: "app", version: "1.0.0" };
const FOLDER = "artifacts/app/1.0.0/";
const MANIFEST = `${FOLDER}manifest.json`;
const HOUR = 3_600_000;

function toManifest(body: string, over: object = {}): string {
  const file = { key: `${FOLDER}a`, size: body.length, sha256: toSha256(body) };
  return toManifestText({ v: 1, ...ID, createdAt: "2026-11-20T06:00:00Z", files: [file], ...over });
}

/** A fleet with one consumer, and what people see of its versions. */
async function createRefusing() {
  const fleet = createFleet();
  const { sim, clock, handle, created, metrics, sent } = fleet;
  await fleet.register(PLACE);
  const ask = async (request: object) => Object(await handle(request)).answer ?? (await handle(request));
  const before = sent().length;
  return {
    ...fleet,
    ask,
    write: (key: string, body: string) => sim.s3.write("source", key, body),
    /** Writes an object, and delivers its event. */
    async put(key: string, body: string) {
      sim.s3.write("source", key, body);
      return created(key);
    },
    announced: () => sent().slice(before).length,
    /** Refuses all calls of a kind. Returns a function that allows them again. */
    deny: (call: string) =>
      sim.intercept(({ operation }, proceed) =>
        operation === call ? Promise.reject(new SimFault("AccessDenied", 403, "Access Denied")) : proceed(),
      ),
    async rows() {
      const { rows } = await ask({ op: "coverage" });
      return rows.map(({ name, version, covered, refusal, manifestSha256 }: Record<string, unknown>) => ({
        what: `${name}@${version}`,
        covered,
        published: manifestSha256 !== null,
        code: Object(refusal).code,
        again: Object(refusal).retryUntil,
      }));
    },
    /** Returns the last value of the alarm's metric. */
    alarmed: () =>
      metrics.map((line) => Object(JSON.parse(line))).findLast((line) => "AlarmedCells" in line).RefusedVersions,
    publish: () =>
      publishArtifact({
        client: fleet.options.s3,
        bucket: "source",
        prefix: "artifacts/",
        ...ID,
        files: [{ path: "a", body: Buffer.from("content") }],
        labels: {},
        now: clock.now,
      }),
  };
}

describe("a manifest that comes before its file", () => {
  // wellcomecollection/platform#3897, cloudyr/aws.s3#406, HumanCellAtlas/data-store#1410
  it.each([
    ["is missing", undefined],
    ["has another size", "old"],
  ])("is published once the file is there: until then it %s", async (_, body) => {
    const { write, put, clock, look, announced, rows, alarmed } = await createRefusing();
    if (body !== undefined) write(`${FOLDER}a`, body);
    await put(MANIFEST, toManifest("content"));
    const waiting = await rows();
    await clock.advance(2_000);
    write(`${FOLDER}a`, "content");

    await look();

    expect(waiting).toMatchObject([{ what: "app@1.0.0", published: false, again: expect.stringMatching(/T07:00/) }]);
    expect([announced(), await rows(), alarmed()]).toEqual([1, [expect.objectContaining({ published: true })], 0]);
    expect((await rows())[0]?.code).toBeUndefined();
  });

  it("is checked once more where the schedule was away for the whole hour", async () => {
    const { write, put, clock, look, announced, rows } = await createRefusing();
    await put(MANIFEST, toManifest("content"));
    await clock.advance(5 * HOUR);
    write(`${FOLDER}a`, "content");

    await look();

    expect([announced(), await rows()]).toEqual([1, [expect.objectContaining({ published: true })]]);
  });

  it("is given up after an hour, which raises the alarm, and checked again when it is published again", async () => {
    const { sim, put, lookFor, announced, rows, alarmed, publish, created } = await createRefusing();
    await put(MANIFEST, toManifest("content"));
    await lookFor(1.1);
    const givenUp = [await rows(), alarmed()];

    await expect(publish()).rejects.toMatchObject({ details: { problem: { code: "SOURCE_MISSING" } } });
    sim.s3.write("source", `${FOLDER}a`, "content");
    await lookFor(1);
    const late = announced();
    const { outcome } = await publish();
    await created(MANIFEST);
    await lookFor(0.1);

    expect(givenUp).toEqual([[expect.objectContaining({ code: "SOURCE_MISSING", again: null })], 1]);
    expect([late, outcome, announced(), alarmed()]).toEqual([0, "already-published", 1, 0]);
  });

  it("is checked again by refresh, which says what is wrong", async () => {
    const { write, put, lookFor, ask, announced, rows } = await createRefusing();
    await put(MANIFEST, toManifest("content"));
    await lookFor(1.1);

    const wrong = await ask({ op: "refresh", ...ID });
    write(`${FOLDER}a`, "content");
    const right = await ask({ op: "refresh", ...ID });

    expect(wrong).toEqual({
      kind: "error",
      code: "SOURCE_MISSING",
      message: "Version 1.0.0 of app is refused. artifacts/app/1.0.0/a is not in the bucket.",
    });
    expect([right, announced(), (await rows())[0]?.published]).toEqual([{ files: 1, messages: 1 }, 1, true]);
  });
});

describe("a refusal", () => {
  it.each<readonly [string, string, Readonly<Record<string, string>>, string]>([
    ["app@1.0.0", "SOURCE_MISSING", { [MANIFEST]: toManifest("content") }, MANIFEST],
    ["app@1.0.0", "SIZE_MISMATCH", { [`${FOLDER}a`]: "more content", [MANIFEST]: toManifest("content") }, MANIFEST],
    ["app@1.0.0", "MANIFEST_INVALID", { [MANIFEST]: "{}" }, MANIFEST],
    ["app@1.0.0", "MANIFEST_INVALID", { [MANIFEST]: "" }, MANIFEST],
    [
      "app@1.0.1",
      "MANIFEST_INVALID",
      { [`${FOLDER}a`]: "content", "artifacts/app/1.0.1/manifest.json": toManifest("content") },
      "artifacts/app/1.0.1/manifest.json",
    ],
    ["site/index.html@x-e3b0c442", "KEY_INVALID", { "uploads/site//index.html": "x" }, "uploads/site//index.html"],
    ["x-2fe5ca1c@1", "MANIFEST_INVALID", { "artifacts/Ä/1/manifest.json": "{}" }, "artifacts/Ä/1/manifest.json"],
  ])("of %s is listed with %s, shown, counted and alarms", async (what, code, objects, key) => {
    const { write, created, lookFor, rows, ask, metrics, alarmed } = await createRefusing();
    for (const [name, body] of Object.entries(objects)) write(name, body);

    await created(key);
    await lookFor(1.1);

    const [row] = await rows();
    expect(row).toEqual({ what, covered: false, published: false, code, again: null });
    const [name = "", version = ""] = row?.what.split("@") ?? [];
    const refusal = expect.objectContaining({ key, code });
    expect(await ask({ op: "list" })).toMatchObject({ items: [{ name, version, manifestSha256: null, refusal }] });
    expect(await ask({ op: "show", name, version })).toMatchObject({ manifest: null, cells: [], refusal });
    expect(metrics.some((line) => JSON.parse(line).Code === code && JSON.parse(line).RefusedVersions === 1)).toBe(true);
    expect(alarmed()).toBe(1);
  });

  it("is listed with the published version where a later object is refused, and ends when that is corrected", async () => {
    const { put, write, clock, lookFor, rows } = await createRefusing();
    write(`${FOLDER}a`, "content");
    await put(MANIFEST, toManifest("content"));
    await clock.advance(2_000);

    await put(MANIFEST, toManifest("content", { labels: { other: "yes" } }));
    const beside = await rows();
    await clock.advance(2_000);
    await put(MANIFEST, toManifest("content"));
    await lookFor(0.1);

    expect(beside).toEqual([expect.objectContaining({ published: true, code: "VERSION_CONFLICT", again: null })]);
    expect((await rows())[0]?.code).toBeUndefined();
  });

  it("of an object from before does not come back with a late event", async () => {
    const { sim, put, write, clock, handle, rows } = await createRefusing();
    await put(MANIFEST, "{}");
    const old = sim.s3.findObject("source", MANIFEST)?.versionId;
    await clock.advance(2_000);
    write(`${FOLDER}a`, "content");
    await put(MANIFEST, toManifest("content"));
    await clock.advance(60_000);

    const detail = { bucket: { name: "source" }, object: { key: MANIFEST, "version-id": old } };
    const outcome = await handle({ source: "aws.s3", "detail-type": "Object Created", detail });

    expect(outcome).toMatchObject([{ kind: "refused" }]);
    expect(await rows()).toEqual([expect.objectContaining({ published: true, code: undefined })]);
  });

  it("ends with its object", async () => {
    const { sim, put, lookFor, rows, alarmed } = await createRefusing();
    await put(MANIFEST, "{}");
    await lookFor(0.1);
    expect(alarmed()).toBe(1);

    sim.s3.remove("source", MANIFEST);
    await lookFor(0.1);

    expect([await rows(), alarmed()]).toEqual([[], 0]);
  });

  it("ends where an upload is published under the same key", async () => {
    const { sim, put, clock, created, rows } = await createRefusing();
    sim.s3.writeGenerated("source", "uploads/big/1/file", { size: 2 ** 50, read: () => [] });
    await created("uploads/big/1/file");
    const refused = await rows();
    await clock.advance(1_000);

    await put("uploads/big/1/file", "x");

    expect(refused).toEqual([expect.objectContaining({ what: "big/file@1", code: "TOO_LARGE" })]);
    expect(await rows()).toEqual([expect.objectContaining({ what: "big/file@1", published: true, code: undefined })]);
  });
});

describe("an object that cannot be processed", () => {
  it("is listed while it is tried again, for a week, and then given up", async () => {
    const { write, created, sim, clock, look, rows, records } = await createRefusing();
    write(`${FOLDER}a`, "content");
    write(MANIFEST, toManifest("content"));
    const deny = () => {
      sim.once("S3.HeadObject", deny);
      return Promise.reject(new SimFault("AccessDenied", 403, "Access Denied"));
    };
    sim.once("S3.HeadObject", deny);
    await expect(created(MANIFEST)).rejects.toMatchObject({ code: "FORBIDDEN" });
    const tried = await rows();

    await clock.advance(7 * 24 * HOUR);
    await look().catch(() => undefined);

    expect(tried).toEqual([
      expect.objectContaining({ code: "FORBIDDEN", again: expect.stringMatching(/^2026-11-27/) }),
    ]);
    expect(await listRefusals({ records, clock })).toEqual([
      expect.objectContaining({ ...ID, code: "FORBIDDEN", retryUntil: null }),
    ]);
    expect((await records.list("outbox/", { limit: 9, now: clock.now() })).items).toEqual([]);
  });

  it.each(["GetObject", "HeadObject"])(
    "is listed beside the version that is published under its key: %s",
    async (call) => {
      const { put, clock, rows, look, deny } = await createRefusing();
      await put("uploads/site/1/app", "first");
      await clock.advance(2_000);
      const allow = deny(call);

      await expect(put("uploads/site/1/app", "second")).rejects.toMatchObject({ code: "FORBIDDEN" });

      expect(await rows()).toEqual([
        expect.objectContaining({ published: true, code: "FORBIDDEN", again: expect.stringMatching(/^2026-11-27/) }),
      ]);
      allow();
      await look();
      const published = expect.objectContaining({ published: true, code: undefined });
      expect(await rows()).toEqual([published, published]);
    },
  );

  it.each(["GetObject", "HeadObject"])(
    "is listed in place of an earlier object that was given up: %s",
    async (call) => {
      const { put, write, clock, rows, deny } = await createRefusing();
      write(`${FOLDER}a`, "content");
      await put(MANIFEST, "{}");
      await clock.advance(2_000);
      deny(call);

      await expect(put(MANIFEST, toManifest("content"))).rejects.toMatchObject({ code: "FORBIDDEN" });

      expect(await rows()).toEqual([expect.objectContaining({ code: "FORBIDDEN", again: expect.any(String) })]);
    },
  );

  it("stays listed when an object from before is published late", async () => {
    const { sim, put, write, clock, handle, rows, deny } = await createRefusing();
    write(`${FOLDER}a`, "content");
    write(MANIFEST, toManifest("content"));
    const first = sim.s3.findObject("source", MANIFEST)?.versionId;
    await clock.advance(2_000);
    const allow = deny("GetObject");
    await expect(put(MANIFEST, toManifest("content", { labels: { other: "yes" } }))).rejects.toThrow();
    allow();

    const object = { key: MANIFEST, "version-id": first };
    await handle({ source: "aws.s3", "detail-type": "Object Created", detail: { bucket: { name: "source" }, object } });

    expect(await rows()).toEqual([expect.objectContaining({ published: true, code: "FORBIDDEN" })]);
  });

  it("does not take the place of what was refused later", async () => {
    const { sim, put, write, clock, handle, rows, deny } = await createRefusing();
    write(MANIFEST, toManifest("content"));
    const first = sim.s3.findObject("source", MANIFEST)?.versionId;
    await clock.advance(2_000);
    await put(MANIFEST, "{}");
    const allow = deny("GetObject");

    const object = { key: MANIFEST, "version-id": first };
    const late = handle({
      source: "aws.s3",
      "detail-type": "Object Created",
      detail: { bucket: { name: "source" }, object },
    });

    await expect(late).rejects.toMatchObject({ code: "FORBIDDEN" });
    allow();
    expect(await rows()).toEqual([expect.objectContaining({ code: "MANIFEST_INVALID", again: null })]);
  });
});
