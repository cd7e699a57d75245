import { createFakeClock, createMemoryRecords } from "@stackyard/core/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type ArtifactRecord,
  addWatch,
  findArtifactRecord,
  findEventRecord,
  findWatch,
  keepEventRecord,
  type PinnedArtifact,
  putArtifactRecord,
  toBootIntent,
  toPipelineIntent,
  withArtifact,
} from "./fleet-records.ts";
import { DEFAULT_USER_PARAMETERS } from "./parse-pipeline-event.ts";

const artifact: PinnedArtifact = { bucket: "abc", key: "k", versionId: "v", sha256: "a".repeat(64) };
const boot = {
  profile: "ansible",
  tagKey: "has_ssm_agent",
  tagValues: ["true"],
  timeout: "10m",
  deliveryTimeout: "15m",
  agentTimeout: "10m",
};
const LAUNCHED = "2026-01-01T00:00:00.000Z";
const aBootIntent = (fields: Partial<Parameters<typeof toBootIntent>[0]> = {}) =>
  toBootIntent({ instanceId: "i-0abcd1234abcd1234", launchedAt: LAUNCHED, artifact, boot, now: 7, ...fields });

describe("the run of a pipeline's job", () => {
  const toIntent = (options = DEFAULT_USER_PARAMETERS) =>
    toPipelineIntent({ jobId: "job-1", artifact, revision: "c0ffee", options, now: 7 });

  it("is known by the job's id", () => {
    expect(toIntent()).toMatchObject({
      key: "job-1",
      source: "pipeline",
      revision: "c0ffee",
      decidedAt: 7,
      wait: true,
    });
  });

  it("keeps what concerns the pipeline alone out of the executor's config", () => {
    const { config, wait } = toIntent({ ...DEFAULT_USER_PARAMETERS, artifact: "MyApp", wait: false });

    expect(wait).toBe(false);
    expect(config).not.toHaveProperty("wait");
    expect(config["artifact"]).toEqual(artifact);
  });

  it("is recorded unless it only plans", () => {
    expect(toIntent().records).toBe(true);
    expect(toIntent({ ...DEFAULT_USER_PARAMETERS, dryRun: true }).records).toBe(false);
  });
});

describe("the run of an instance that starts", () => {
  it("is known by instance, artifact and start", () => {
    const { key } = aBootIntent();

    expect(aBootIntent().key).toBe(key);
    expect(key).toMatch(/^i-0abcd1234abcd1234:[0-9a-f]{32}:2026-01-01T00:00:00\.000Z$/);
    expect(aBootIntent({ instanceId: "i-0abcd1234abcd1235" }).key).not.toBe(key);
    expect(aBootIntent({ launchedAt: "2026-01-02T00:00:00.000Z" }).key).not.toBe(key);
    for (const change of [{ key: "l" }, { bucket: "abd" }, { versionId: "w" }, { sha256: "b".repeat(64) }]) {
      expect(aBootIntent({ artifact: { ...artifact, ...change } }).key).not.toBe(key);
    }
  });

  it("has a key that fits, however long the artifact's is", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 1_024 }), (key) => {
        expect(aBootIntent({ artifact: { ...artifact, key } }).key.length).toBeLessThanOrEqual(255);
      }),
    );
  });

  it("is the same start with another artifact", () => {
    const other = { ...artifact, versionId: "w" };

    expect(withArtifact(aBootIntent(), other, 9)).toEqual(aBootIntent({ artifact: other, now: 9 }));
  });
});

it("no run of a pipeline is taken for one of an instance", () => {
  const options = DEFAULT_USER_PARAMETERS;
  const intent = toPipelineIntent({ jobId: "a:b:c", artifact, revision: null, options, now: 7 });

  expect(withArtifact(intent, artifact, 9)).toBeUndefined();
});

const createDeps = () => ({ records: createMemoryRecords(), clock: createFakeClock() });
const done = (code: string) => ({ kind: "done", code, message: "why" }) as const;

describe("decisions about events", () => {
  it("do not exist at first", async () => {
    expect(await findEventRecord(createDeps(), "e-1")).toBeUndefined();
  });

  it("count once, the first", async () => {
    const deps = createDeps();

    const answers = await Promise.all([
      keepEventRecord(deps, "e-1", done("A")),
      keepEventRecord(deps, "e-1", done("B")),
    ]);

    expect(answers).toEqual([done("A"), done("A")]);
    expect(await findEventRecord(deps, "e-1")).toEqual(done("A"));
  });

  it("accept ids of any form", async () => {
    const deps = createDeps();
    const ids = ["a/b", "../..", "x".repeat(1_000), "\u0000", "a//b"];

    for (const id of ids) await keepEventRecord(deps, id, done(String(ids.indexOf(id))));

    for (const id of ids) expect(await findEventRecord(deps, id)).toEqual(done(String(ids.indexOf(id))));
  });

  it("are forgotten after two weeks", async () => {
    const deps = createDeps();
    await keepEventRecord(deps, "e-1", done("A"));

    await deps.clock.advance(14 * 86_400_000);

    expect(await findEventRecord(deps, "e-1")).toBeUndefined();
  });
});

const owner = { environment: "main", profile: "ansible" };

function aRecord(fields: Partial<ArtifactRecord> = {}): ArtifactRecord {
  const artifact = { bucket: "abc", key: "k", sha256: "0".repeat(64) };
  return { artifact, revision: null, runId: "run-1", startedAt: 10, ...fields };
}

describe("records of artifacts", () => {
  it("do not exist at first", async () => {
    expect(await findArtifactRecord(createDeps(), owner, "current")).toBeUndefined();
  });

  it("stand apart by environment, profile and rank", async () => {
    const deps = createDeps();

    await putArtifactRecord(deps, owner, "candidate", aRecord());

    expect(await findArtifactRecord(deps, owner, "candidate")).toEqual(aRecord());
    expect(await findArtifactRecord(deps, owner, "current")).toBeUndefined();
    expect(await findArtifactRecord(deps, { ...owner, profile: "garlc-1" }, "candidate")).toBeUndefined();
    expect(await findArtifactRecord(deps, { ...owner, environment: "test" }, "candidate")).toBeUndefined();
  });

  it("belong to the run that was requested later, whichever ends first", async () => {
    const deps = createDeps();
    const newer = aRecord({ runId: "run-2", startedAt: 20 });

    await putArtifactRecord(deps, owner, "current", newer);
    await putArtifactRecord(deps, owner, "current", aRecord());

    expect(await findArtifactRecord(deps, owner, "current")).toEqual(newer);
  });

  it("hold against another writer", async () => {
    const deps = createDeps();
    const newer = aRecord({ runId: "run-2", startedAt: 20 });
    let isFirst = true;
    const records = {
      ...deps.records,
      async put(input: Parameters<typeof deps.records.put>[0]) {
        if (isFirst) await deps.records.put({ ...input, value: newer });
        isFirst = false;
        return deps.records.put(input);
      },
    };

    await putArtifactRecord({ ...deps, records }, owner, "current", aRecord());

    expect(await findArtifactRecord(deps, owner, "current")).toEqual(newer);
  });
});

describe("the watch over a run", () => {
  it("is begun again where it cannot be read", async () => {
    const deps = { records: createMemoryRecords(), clock: createFakeClock() };
    const intent = aBootIntent();
    const key = `fleet-watch/${intent.runId}`;
    await deps.records.put({ key, value: { of: "a later version" }, expected: "absent", now: deps.clock.now() });

    await addWatch(deps, intent);

    expect((await findWatch(deps, intent.runId))?.value).toEqual({ intent, hooks: [], heartbeatAt: deps.clock.now() });
  });
});
