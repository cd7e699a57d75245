import { putUnsavedRun, toUnsavedId, type UnsavedRun } from "@stackyard/core/services";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { addUnsavedRun } from "../testing/add-unsaved-run.ts";
import { type ClaimedAttempt, claimAttempt } from "../testing/claim-attempt.ts";
import { createTestYard, type TestYard } from "../testing/test-yard.ts";

const KEY = "review-app/pr-1/network";
const STATE = `/v1/terraform/states/${encodeURIComponent(KEY)}`;
const BACKEND = `/terraform/state/${KEY}`;

let yard: TestYard;
let attempt: ClaimedAttempt;
beforeEach(async () => {
  yard = createTestYard();
  attempt = await claimAttempt(yard, "pr-1");
});
afterEach(() => yard.stop());

const stateOf = (serial: number, ...names: readonly string[]) => ({
  version: 4,
  serial,
  lineage: "l",
  outputs: {},
  resources: names.map((name) => ({ mode: "managed", type: "aws_instance", name, instances: [] })),
});

/** Adds a run of the attempt. */
const addRun = (state?: object, more: Partial<UnsavedRun> = {}) =>
  addUnsavedRun(yard, state, { attempt: attempt.attemptId, token: attempt.token, ...more });

const post = (run: UnsavedRun, verb: "push" | "dismiss", body = {}) =>
  yard.call(`${STATE}/unsaved/${toUnsavedId(run)}/${verb}`, { body });
const write = (serial: number, ...names: readonly string[]) =>
  yard.call(BACKEND, { body: stateOf(serial, ...names), headers: { authorization: attempt.authorization } });
const readState = async () => (await yard.call(BACKEND)).json();

describe("a run that could not save its state", () => {
  it("is listed with what it has left, without the token of its lease, also when there is no state", async () => {
    const run = await addRun(stateOf(2, "a"));

    const expected = {
      id: toUnsavedId(run),
      state: KEY,
      stackId: "pr-1",
      machine: "review-app",
      attemptId: attempt.attemptId,
      action: "apply",
      host: "runner-1",
      at: "1970-01-01T00:00:00.000Z",
      left: {
        file: "/data/terraform-rescued/a.tfstate",
        isKept: true,
        count: 1,
        resources: [{ address: "aws_instance.a", id: "i-1" }],
      },
      description: expect.stringContaining("`stackyard states push review-app/pr-1/network`"),
    };
    expect(await yard.json("/v1/terraform/unsaved")).toEqual({ items: [expected] });
    expect(await yard.json("/v1/terraform/unsaved?prefix=review-app/pr-2/")).toEqual({ items: [] });
    expect(await yard.json(STATE)).toEqual({ key: KEY, versions: [], unsaved: [expected] });
  });

  it("is pushed: its state is the newest, with a serial of its own, and the run stays until the next has succeeded", async () => {
    await write(5, "old");
    const run = await addRun(stateOf(2, "a"), { base: 1 });

    const pushed = await post(run, "push");

    expect(pushed.status).toBe(200);
    expect(await pushed.json()).toMatchObject({ version: 2, serial: 6, resources: 1, by: expect.any(String) });
    expect(await readState()).toEqual(stateOf(6, "a"));
    expect(await yard.json(STATE)).toMatchObject({
      unsaved: [{ pushed: { by: expect.any(String) }, description: expect.stringContaining("has pushed it") }],
    });
    expect((await post(run, "push")).status).toBe(409);
  });

  it("follows what it has saved itself before, but replaces no resources of a later run [claudie#1286]", async () => {
    const own = await addRun(stateOf(3, "a", "b"));
    await write(2, "a");
    const followed = await post(own, "push");
    const overtaken = await addRun(stateOf(2, "a"), { token: attempt.token - 1 });

    const refused = await post(overtaken, "push");
    await write(9);
    const afterDestroy = await post(overtaken, "push");

    expect([followed.status, refused.status, afterDestroy.status]).toEqual([200, 409, 200]);
    expect(await refused.text()).toContain("has resources of its own, which a push would forget");
    expect(await readState()).toEqual(stateOf(10, "a"));
  });

  it("is not pushed while the state is locked, or when only its host has it", async () => {
    const run = await addRun(stateOf(2, "a"));
    await yard.call(BACKEND, { method: "LOCK", body: { ID: "l1", Who: "ada" } });
    const locked = await post(run, "push");
    await yard.call(BACKEND, { method: "UNLOCK", body: { ID: "l1" } });
    const { content: _, ...left } = run.left ?? { count: 0, resources: [] };
    await putUnsavedRun({ records: yard.store.records, clock: yard.clock }, { ...run, left });
    const elsewhere = await post(run, "push");

    expect([locked.status, elsewhere.status]).toEqual([409, 409]);
    expect(await elsewhere.text()).toContain("terraform state push /data/terraform-rescued/a.tfstate");
  });

  it("is given up, and nothing of it stays", async () => {
    const run = await addRun(stateOf(2, "a"));

    const dismissed = await post(run, "dismiss", { reason: "removed by hand" });
    const again = await post(run, "dismiss");

    expect([dismissed.status, again.status]).toEqual([200, 404]);
    expect(await yard.json("/v1/terraform/unsaved")).toEqual({ items: [] });
    const { items } = await yard.store.records.list("terraform-unsaved/", { limit: 10, now: yard.clock.now() });
    expect(items).toEqual([]);
  });
});

describe("a run that has not reported its end", () => {
  it("is given up only when its attempt does not work any more", async () => {
    const run = await addRun();

    const working = await post(run, "dismiss");
    await attempt.settle();
    const ended = await post(run, "dismiss");

    expect([working.status, ended.status]).toEqual([409, 200]);
  });
});
