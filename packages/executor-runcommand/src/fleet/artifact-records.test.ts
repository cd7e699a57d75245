import { createFakeClock, createMemoryRecords } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { type ArtifactRecord, findArtifactRecord, putArtifactRecord } from "./artifact-records.ts";

const owner = { environment: "main", profile: "ansible" };
const createDeps = () => ({ records: createMemoryRecords(), clock: createFakeClock() });

function aRecord(fields: Partial<ArtifactRecord> = {}): ArtifactRecord {
  const artifact = { bucket: "abc", key: "k", sha256: "0".repeat(64) };
  return { artifact, revision: null, runId: "run-1", startedAt: 10, ...fields };
}

describe("records of artifacts", () => {
  it("are none at first", async () => {
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

  it("go to the run that was asked for later, whichever ends first", async () => {
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
