import { silentLogger } from "@stackyard/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ClaimedAttempt, claimAttempt } from "../testing/claim-attempt.ts";
import { createTestYard, type TestYard } from "../testing/test-yard.ts";

const KEY = "review-app/pr-1/network";
const PATH = `/terraform/state/${KEY}`;
const STATES = `/v1/terraform/states/${encodeURIComponent(KEY)}`;
const SECRET = "hunter2-hunter2";
const LEASE_MS = 30_000;

let yard: TestYard;
beforeEach(() => {
  yard = createTestYard({ limits: { stateVersions: 3 } });
});
afterEach(() => yard.stop());

const stateOf = (serial: number, more: object = {}) => ({
  version: 4,
  serial,
  lineage: "l",
  outputs: {},
  resources: [],
  ...more,
});
const lockOf = (ID: string) => ({ ID, Who: `who-${ID}`, Operation: "OperationTypeApply" });
const as = ({ authorization }: Pick<ClaimedAttempt, "authorization">) => ({ headers: { authorization } });
const lock = (id: string, by?: ClaimedAttempt) =>
  yard.call(PATH, { method: "LOCK", body: lockOf(id), ...(by && as(by)) });
const unlock = (id: string, by?: ClaimedAttempt) =>
  yard.call(PATH, { method: "UNLOCK", body: lockOf(id), ...(by && as(by)) });
const write = (serial: number, id = "", by?: ClaimedAttempt) =>
  yard.call(`${PATH}${id && `?ID=${id}`}`, { body: stateOf(serial), ...(by && as(by)) });
const read = (by?: ClaimedAttempt) => yard.call(PATH, by && as(by));

describe("a state", () => {
  it("is not there, is written, read and deleted", { tags: "adapter" }, async () => {
    expect((await read()).status).toBe(404);
    expect((await write(1)).status).toBe(200);
    expect(await (await read()).json()).toEqual(stateOf(1));
    expect((await yard.call(PATH, { method: "DELETE" })).status).toBe(200);
    expect((await read()).status).toBe(404);
  });

  it("is one under encoded and plain slashes, and another with a slash at its end", async () => {
    await write(1);

    expect((await yard.call(`/terraform/state/${encodeURIComponent(KEY)}`)).status).toBe(200);
    expect((await yard.call(`${PATH}/`)).status).toBe(404);
  });

  it("may be larger than a record, and comes back byte by byte", async () => {
    const noise = Array.from({ length: 30_000 }, () => Math.random().toString(36).slice(2));
    const text = JSON.stringify(stateOf(1, { noise }));

    const answer = await yard.call(PATH, { body: text });

    expect(answer.status).toBe(200);
    expect(await (await read()).text()).toBe(text);
  });

  it("is rejected when it is not a JSON object, too large, or changed on the way, without quoting it", async () => {
    const small = createTestYard({ limits: { stateBytes: 100 } });
    const answers = [
      await yard.call(PATH, { body: `{"secret": "${SECRET}"` }),
      await yard.call(PATH, { body: "[]" }),
      await yard.call(PATH, { body: stateOf(1), headers: { "content-md5": "AAAA" } }),
      await small.call(PATH, { body: stateOf(1, { more: "x".repeat(100) }) }),
    ];

    expect(answers.map(({ status }) => status)).toEqual([400, 400, 400, 413]);
    expect(await answers[0]?.text()).not.toContain(SECRET);
    await small.stop();
  });

  it("keeps its last versions, shows them and restores one under the next serial", async () => {
    for (const serial of [1, 2, 3, 4, 5]) await write(serial);

    const state = await yard.json(STATES);
    const old = await yard.json(`${STATES}/versions/3`);
    const gone = await yard.call(`${STATES}/versions/1`);
    const restored = await yard.json(`${STATES}/restore`, { body: { version: 3 } });

    expect(state).toMatchObject({
      key: KEY,
      current: 5,
      versions: [{ version: 5 }, { version: 4 }, { version: 3, by: "tester" }],
    });
    expect(old).toEqual(stateOf(3));
    expect(gone.status).toBe(404);
    expect(restored).toMatchObject({ version: 6, serial: 6, restoredFrom: 3 });
    expect(await (await read()).json()).toEqual(stateOf(6));
  });

  it("restores only over the version that was seen, or the missing state", async () => {
    for (const serial of [1, 2]) await write(serial);
    const restore = (seen: number | null) => yard.call(`${STATES}/restore`, { body: { version: 1, seen } });

    const stale = await restore(1);
    expect([stale.status, await stale.json()]).toEqual([
      409,
      expect.objectContaining({ detail: expect.stringContaining("Version 2 came meanwhile") }),
    ]);
    expect((await restore(null)).status).toBe(409);
    expect((await restore(2)).status).toBe(200);
  });

  it("leaves no records of versions that are gone", async () => {
    for (const serial of [1, 2, 3, 4, 5]) await write(serial);

    const { items } = await yard.store.records.list("terraform-state/data/", { limit: 100, now: Date.now() });

    expect(items).toHaveLength(3);
  });

  it("is an error, and never an empty state, when a part of it is missing in the store", async () => {
    await write(1);
    const { items } = await yard.store.records.list("terraform-state/data/", { limit: 1, now: Date.now() });
    for (const { key, version } of items) await yard.store.records.remove(key, version);

    expect((await read()).status).toBe(500);
  });

  it("loses no write of many at the same time", async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, (_, n) => write(n + 1)));

    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200));
    expect(await yard.json(STATES)).toMatchObject({ current: 8 });
  });

  it("is listed by prefix", async () => {
    await write(1);
    await yard.call("/terraform/state/review-app/pr-2/network", { body: stateOf(1) });
    await yard.call("/terraform/state/other/pr-1/x", { body: stateOf(1) });

    const { items } = await yard.json<{ items: { key: string }[] }>("/v1/terraform/states?prefix=review-app%2F");

    expect(items.map(({ key }) => key)).toEqual([KEY, "review-app/pr-2/network"]);
  });
});

describe("a client with the lock methods of another server [opentofu#1407]", () => {
  it("neither stores a lock as a state nor deletes the state", async () => {
    await write(1);

    const locked = await yard.call(PATH, { body: lockOf("l1") });
    const unlocked = await yard.call(PATH, { method: "DELETE", body: lockOf("l1") });
    const emptied = await yard.call(PATH, { body: {} });

    expect([locked, unlocked, emptied].map(({ status }) => status)).toEqual([400, 400, 400]);
    expect(await locked.text()).toContain('lock_method = \\"LOCK\\"');
    expect(await (await read()).json()).toEqual(stateOf(1));
  });
});

describe("a lock", () => {
  it("goes to one of many concurrent callers, and the others learn who holds it", { tags: "adapter" }, async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, (_, n) => lock(`l${n}`)));

    const granted = answers.filter(({ status }) => status === 200);
    const refused = answers.filter(({ status }) => status === 423);
    expect([granted.length, refused.length]).toEqual([1, 9]);
    const winner = `l${answers.indexOf(granted[0] as Response)}`;
    expect(await refused[0]?.json()).toEqual({ ...lockOf(winner), Info: "tester" });
  });

  it("keeps out writers under another id, and is given back", async () => {
    await lock("l1");

    expect((await write(1)).status).toBe(423);
    expect((await write(1, "l2")).status).toBe(423);
    expect((await write(1, "l1")).status).toBe(200);
    expect((await unlock("l2")).status).toBe(409);
    expect((await unlock("l1")).status).toBe(200);
    expect((await lock("l2")).status).toBe(200);
  });

  it("is not broken by Terraform's force-unlock, which sends no id, but over the API by its id", async () => {
    await lock("l1");

    expect((await yard.call(PATH, { method: "UNLOCK" })).status).toBe(409);
    expect((await yard.call(`${STATES}/unlock`, { body: { id: "l2" } })).status).toBe(409);
    expect(await yard.json(`${STATES}/unlock`, { body: { id: "l1" } })).not.toHaveProperty("lock");
  });

  it.each([
    ["another operator's unlock with its id", (attempt: ClaimedAttempt | undefined) => attempt && unlock("l1")],
    ["the API", () => yard.call(`${STATES}/unlock`, { body: { id: "l1" } })],
  ])("that is broken by %s leaves a record of who and whose, in the state and in the log", async (_, breakIt) => {
    const logged: unknown[] = [];
    await yard.stop();
    yard = createTestYard({
      logger: { ...silentLogger, warn: (message, fields) => logged.push({ message, ...fields }) },
    });
    const attempt = await claimAttempt(yard, "pr-1");
    await lock("l1", attempt);

    await breakIt(attempt);

    const state = await yard.json<{ forcedUnlocks: unknown }>(STATES);
    const at = expect.any(String);
    const broken = { by: "tester", lockId: "l1", holder: attempt.attemptId, lockedAt: at };
    expect(state).not.toHaveProperty("lock");
    expect(state.forcedUnlocks).toEqual([{ ...broken, at, who: "who-l1", operation: "OperationTypeApply" }]);
    expect(logged).toEqual([{ message: "A Terraform lock was broken by force.", key: KEY, ...broken }]);
  });

  it("keeps the last 20 records of locks that were broken, and none of locks that were given back", async () => {
    for (let n = 0; n < 25; n += 1) {
      await lock(`l${n}`);
      await yard.call(`${STATES}/unlock`, { body: { id: `l${n}` } });
      await lock(`own${n}`);
      await unlock(`own${n}`);
    }

    const { forcedUnlocks } = await yard.json<{ forcedUnlocks: readonly { lockId: string }[] }>(STATES);

    expect(forcedUnlocks.map(({ lockId }) => lockId)).toEqual(Array.from({ length: 20 }, (_, n) => `l${24 - n}`));
  });

  it("stops a restore", async () => {
    await write(1);
    await lock("l1");

    expect((await yard.call(`${STATES}/restore`, { body: { version: 1 } })).status).toBe(409);
  });
});

describe("an attempt", () => {
  it("locks, writes and unlocks with its id and the password of its lease", async () => {
    const attempt = await claimAttempt(yard, "pr-1");

    expect((await lock("l1", attempt)).status).toBe(200);
    expect((await write(1, "l1", attempt)).status).toBe(200);
    expect((await read(attempt)).status).toBe(200);
    expect((await unlock("l1", attempt)).status).toBe(200);
    expect(await yard.json(STATES)).toMatchObject({ versions: [{ by: attempt.attemptId }] });
  });

  it("reaches no state of another stack, and nothing else of the server", async () => {
    const attempt = await claimAttempt(yard, "pr-1");

    for (const key of ["review-app/pr-10/network", "review-app/pr-1", "other/pr-1/network", "x"]) {
      expect((await yard.call(`/terraform/state/${key}`, as(attempt))).status).toBe(401);
    }
    expect((await yard.call("/v1/stacks", as(attempt))).status).toBe(401);
  });

  it("reaches the states of its stack only, whatever slashes and percent signs the ids have", async () => {
    const team = await claimAttempt(yard, "team");
    const prod = await claimAttempt(yard, "team/prod");
    const statusOf = async (key: string, by: ClaimedAttempt) =>
      (await yard.call(`/terraform/state/${encodeURIComponent(key)}`, as(by))).status;
    const ownOfProd = "review-app/team%2Fprod/network";

    expect([await statusOf(ownOfProd, prod), await statusOf("review-app/team/prod/network", team)]).toEqual([404, 404]);
    expect([await statusOf(ownOfProd, team), await statusOf("review-app/team/prod/network", prod)]).toEqual([401, 401]);
  });

  it.each(["1", "1.", "1.x", "2", "", "NaN", "__proto__", `1.${"A".repeat(43)}`])(
    "is not known by %j, which anybody could guess",
    async (guess) => {
      const { attemptId } = await claimAttempt(yard, "pr-1");
      const authorization = `Basic ${Buffer.from(`${attemptId}:${guess}`).toString("base64")}`;

      expect((await yard.call(PATH, { headers: { authorization } })).status).toBe(401);
    },
  );

  it.each(["01", "2", "-1", "1e0"])("is not known by its proof with the token %j", async (token) => {
    const { attemptId, password } = await claimAttempt(yard, "pr-1");
    const guess = password.replace(/^1/, token);
    const authorization = `Basic ${Buffer.from(`${attemptId}:${guess}`).toString("base64")}`;

    expect((await yard.call(PATH, { headers: { authorization } })).status).toBe(401);
  });

  it("shows the lock but never its token", async () => {
    const attempt = await claimAttempt(yard, "pr-1");
    await lock("l1", attempt);

    const { lock: shown } = await yard.json<{ lock: object }>(STATES);

    expect(shown).toEqual({
      id: "l1",
      holder: attempt.attemptId,
      binds: true,
      who: "who-l1",
      operation: "OperationTypeApply",
      at: expect.any(String),
    });
  });

  it("holds its lock against others while its lease lives", async () => {
    const attempt = await claimAttempt(yard, "pr-1");
    await lock("l1", attempt);

    expect((await lock("l2")).status).toBe(423);
    expect((await write(1)).status).toBe(423);
  });

  it("loses its lock to the next one when it was settled, and may do nothing more", async () => {
    const attempt = await claimAttempt(yard, "pr-1");
    await lock("l1", attempt);
    await attempt.settle();

    expect((await lock("l2")).status).toBe(200);
    expect((await write(1, "l1", attempt)).status).toBe(401);
    expect((await unlock("l1", attempt)).status).toBe(401);
  });

  it("loses its lock to the next runner of the same attempt when its lease has ended", async () => {
    const crashed = await claimAttempt(yard, "pr-1", LEASE_MS);
    expect((await lock("l1", crashed)).status).toBe(200);
    yard.advance(LEASE_MS + 1);
    const next = await claimAttempt(yard, "pr-1");

    expect((await lock("l2", next)).status).toBe(200);
    expect((await write(2, "l1", crashed)).status).toBe(401);
    expect((await write(2, "l2", next)).status).toBe(200);
  });

  it("hands its ended lock to exactly one of many", async () => {
    const crashed = await claimAttempt(yard, "pr-1", LEASE_MS);
    expect((await lock("l0", crashed)).status).toBe(200);
    yard.advance(LEASE_MS + 1);

    const answers = await Promise.all(Array.from({ length: 10 }, (_, n) => lock(`m${n}`)));

    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  it("may finish under its own lock after its lease while neither has been claimed", async () => {
    const late = await claimAttempt(yard, "pr-1", LEASE_MS);
    await lock("l1", late);
    yard.advance(LEASE_MS + 1);

    expect((await write(1, "l1", late)).status).toBe(200);
    expect((await unlock("l1", late)).status).toBe(200);
    expect((await write(2, "", late)).status).toBe(403);
    expect((await lock("l2", late)).status).toBe(403);
  });
});
