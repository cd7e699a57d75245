import { DeleteObjectCommand } from "@aws-sdk/client-s3";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createPublisher } from "./publish.ts";
import { onRefresh } from "./refresh.ts";
import { PLACE as CONSUMER_PLACE } from "./testing/a-cell.ts";
import { aRegistration } from "./testing/a-distributor-world.ts";
import { createFleet } from "./testing/a-fleet.ts";
import { BUCKET, createSource } from "./testing/a-source.ts";
import { aManifest } from "./testing/an-artifact.ts";
import { changeArtifact } from "./versions.ts";

const PLACE = { account: "444455556666", region: "eu-central-1" };
const KEY = "billing-api/1.4.2/a.zip";

function anEvent(detail: object = {}, over: object = {}) {
  const asked = { v: 1, distributionId: "d", key: KEY, ...PLACE, name: "billing-api", version: "1.4.2", ...detail };
  return {
    source: "stackyard.consumer",
    "detail-type": "artifact.refresh",
    account: PLACE.account,
    detail: asked,
    ...over,
  };
}

async function createWorld() {
  const source = createSource();
  const options = { ...source, bucket: BUCKET, prefix: "" };
  const files = [await source.put(KEY, "a"), await source.put("billing-api/1.4.2/b.zip", "b")];
  await createPublisher(options).onManifest(await source.putManifest(aManifest({ files })));
  source.announced.length = 0;
  const trust = { accounts: [PLACE.account] };
  return { ...source, onRefresh: (event: unknown) => onRefresh({ ...options, trust }, event) };
}

describe("onRefresh", () => {
  it.each([
    ["by name and version", {}],
    ["by the key alone", { name: null, version: undefined }],
  ])("announces the file to who asked, and nothing to others: %s", async (_how, detail) => {
    const { onRefresh, announced } = await createWorld();

    const outcome = await onRefresh(anEvent(detail));

    expect(outcome).toEqual({ kind: "announced", name: "billing-api", version: "1.4.2" });
    expect(announced).toEqual([expect.objectContaining({ target: PLACE, keys: [KEY] })]);
  });

  it.each([
    ["of another shape", { hello: 1 }, "EVENT_INVALID"],
    ["of another kind", anEvent({}, { "detail-type": "artifact.receipt" }), "EVENT_INVALID"],
    ["with an invalid region", anEvent({ region: "eu--1" }), "EVENT_INVALID"],
    ["with a region that is a path", anEvent({ region: "eu-west-1/../x" }), "EVENT_INVALID"],
    ["for another account than its sender's", anEvent({ account: "777788889999" }), "ACCOUNT_MISMATCH"],
    ["of a stranger", anEvent({ account: "777788889999" }, { account: "777788889999" }), "ACCOUNT_NOT_TRUSTED"],
    ["for a version that is not there", anEvent({ version: "9" }), "ARTIFACT_UNKNOWN"],
    ["for a name that is a path", anEvent({ name: "../consumer" }), "ARTIFACT_UNKNOWN"],
    ["for a file of no version", anEvent({ key: "billing-api/1.4.2/z.zip" }), "ARTIFACT_UNKNOWN"],
    ["for a file that lies nowhere", anEvent({ key: "z", name: null }), "ARTIFACT_UNKNOWN"],
  ])("drops an event %s", async (_what, event, code) => {
    const { onRefresh, announced } = await createWorld();

    expect(await onRefresh(event)).toEqual({ kind: "dropped", code });
    expect(announced).toEqual([]);
  });

  it("announces nothing that was retired", async () => {
    const { onRefresh, ...deps } = await createWorld();
    await changeArtifact(deps, { name: "billing-api", version: "1.4.2" }, (record) => ({
      ...record,
      retiredAt: "2026-11-20T07:00:00Z",
    }));

    expect(await onRefresh(anEvent())).toEqual({ kind: "dropped", code: "ARTIFACT_RETIRED" });
  });

  it("announces nothing that was taken away", async () => {
    const { onRefresh, s3, sim } = await createWorld();
    const Key = "billing-api/1.4.2/manifest.json";
    const VersionId = sim.s3.findObject(BUCKET, Key)?.versionId;
    await s3.send(new DeleteObjectCommand({ Bucket: BUCKET, Key, VersionId }));

    expect(await onRefresh(anEvent())).toEqual({ kind: "dropped", code: "ARTIFACT_UNKNOWN" });
  });

  it("announces five times in an hour, for each consumer and file apart, also to many at a time", async () => {
    const { onRefresh, clock } = await createWorld();
    const ask = (detail: object = {}) => onRefresh(anEvent(detail));

    const first = await Promise.all(Array.from({ length: 8 }, () => ask()));
    const others = [await ask({ region: "eu-west-1" }), await ask({ key: "billing-api/1.4.2/b.zip" })];
    await clock.advance(60 * 60_000);
    const later = await ask();

    expect(first.filter(({ kind }) => kind === "announced").length).toBe(5);
    expect(first).toContainEqual({ kind: "dropped", code: "REFRESH_LIMIT" });
    expect([...others, later].map(({ kind }) => kind)).toEqual(["announced", "announced", "announced"]);
  });

  it("never announces more than five times in any hour", async () => {
    const pauses = fc.array(fc.integer({ min: 0, max: 40 * 60_000 }), { minLength: 1, maxLength: 25 });
    await fc.assert(
      fc.asyncProperty(pauses, async (each) => {
        const { onRefresh, clock } = await createWorld();
        const times: number[] = [];

        for (const pause of each) {
          await clock.advance(pause);
          if ((await onRefresh(anEvent())).kind === "announced") times.push(clock.now());
        }

        for (const at of times) {
          expect(times.filter((other) => other > at - 60 * 60_000 && other <= at).length).toBeLessThanOrEqual(5);
        }
      }),
      { numRuns: 25 },
    );
  });

  it("judges whatever event there is", async () => {
    const { onRefresh } = await createWorld();
    await fc.assert(
      fc.asyncProperty(fc.anything(), async (event) => {
        expect((await onRefresh(event)).kind).toBe("dropped");
      }),
    );
  });
});

it("gives a fresh URL of the newest upload under a key to who names nothing but the key", async () => {
  const fleet = createFleet();
  await fleet.register(CONSUMER_PLACE);
  const key = "uploads/shop/40/app.zip";
  for (const body of ["first", "second"]) {
    fleet.sim.s3.write("source", key, body);
    await fleet.created(key);
    await fleet.clock.advance(1_000);
  }
  const [, second] = fleet.sent();
  const detail = { v: 1, distributionId: "d", key, ...CONSUMER_PLACE };

  await fleet.handle({ ...aRegistration(CONSUMER_PLACE), "detail-type": "artifact.refresh", detail });

  expect(fleet.sent()[2]).toMatchObject({
    target: CONSUMER_PLACE,
    sequence: second?.sequence,
    artifact: second?.artifact,
  });
});
