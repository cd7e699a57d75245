import { describe, expect, it } from "vitest";
import { createMemoryStore } from "../memory/memory-store.ts";
import { createFakeClock } from "../testing/fake-clock.ts";
import {
  dismissUnsavedRun,
  keepUnsavedContent,
  listUnsavedRunsOf,
  putUnsavedRun,
  type UnsavedRun,
} from "./unsaved-runs.ts";

const RUN: UnsavedRun = {
  state: "review-app/pr-1/network",
  stack: "pr-1",
  machine: "review-app",
  attempt: "pr-1/i/1/create/1",
  token: 1,
  action: "apply",
  host: "runner-1",
  at: 0,
  sequence: 1,
};

describe("a run of Terraform that is dismissed", () => {
  it("stays when it has reported meanwhile what it has left: no one has read it", async () => {
    const { records } = createMemoryStore();
    const deps = { records, clock: createFakeClock() };
    await putUnsavedRun(deps, RUN);
    const [read = RUN] = await listUnsavedRunsOf(deps, RUN.state);
    const left = { file: "/data/a.tfstate", count: 1, resources: [{ address: "aws_instance.a" }] };
    await putUnsavedRun(deps, { ...RUN, left });

    await expect(dismissUnsavedRun(deps, read)).rejects.toMatchObject({ code: "RECORD_CONFLICT" });

    expect(await listUnsavedRunsOf(deps, RUN.state)).toEqual([{ ...RUN, left }]);
  });

  it("goes with its content, and a second time nothing happens", async () => {
    const { records } = createMemoryStore();
    const deps = { records, clock: createFakeClock() };
    const content = await keepUnsavedContent(deps, RUN, new TextEncoder().encode("{}"));
    const run = { ...RUN, left: { file: "a.tfstate", content, count: 0, resources: [] } } as UnsavedRun;
    await putUnsavedRun(deps, run);

    await dismissUnsavedRun(deps, run);
    await dismissUnsavedRun(deps, run);

    expect((await records.list("terraform-unsaved/", { limit: 9, now: 0 })).items).toEqual([]);
  });
});
