import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { startDynamodb } from "@stackyard/aws-sim/dynamodb";
import type { Store } from "@stackyard/core";
import { type AuditHead, checkChain } from "@stackyard/core/access";
import type { NewApiToken } from "@stackyard/core/api";
import { sharePostgres } from "@stackyard/postgres-server";
import { createDynamodbStore } from "@stackyard/store-dynamodb";
import { createPostgresStore } from "@stackyard/store-postgres";
import { createSqliteStore } from "@stackyard/store-sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestYard, type TestYard } from "../testing/test-yard.ts";
import { createDeviceLogins, createPendingLogins } from "./pending-logins.ts";
import { createSessions } from "./sessions.ts";

interface Place {
  readonly store: Store;
  close(): Promise<void>;
}

async function openSqlite(): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), "stackyard-"));
  return { store: await createSqliteStore({ folder }), close: () => rm(folder, { recursive: true }) };
}

async function openPostgres(): Promise<Place> {
  const { url, stop } = await sharePostgres();
  return { store: await createPostgresStore({ connection: url }), close: stop };
}

async function openDynamodb(): Promise<Place> {
  const dynamodb = await startDynamodb();
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  const client = new DynamoDBClient({ endpoint: dynamodb.url, region: "eu-west-1", credentials });
  return {
    store: await createDynamodbStore({ table: "Stacks", client, createTables: true }),
    async close() {
      client.destroy();
      await dynamodb.stop();
    },
  };
}

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const ADA = { kind: "person" as const, id: "00u1", name: "ada", groups: ["ops"] };
/** As many requests at the same moment. */
const AT_ONCE = 5;

// How each of them behaves is tested over memory. Here: what they ask of a store, of each store that there is.
describe.each([
  ["SQLite", openSqlite],
  ["Postgres", openPostgres],
  ["DynamoDB", openDynamodb],
] as const)("identities over %s", (_name, open) => {
  let place: Place;
  let yard: TestYard;
  beforeAll(async () => {
    place = await open();
    yard = createTestYard({ store: place.store });
  });
  afterAll(async () => {
    await yard.stop();
    await place.close();
  });

  const random = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes));
  /** What works with the store's records, by a clock of its own. */
  function createWorld() {
    let now = yard.clock.now();
    const deps = { records: yard.store.records, clock: { now: () => now }, random };
    return {
      sessions: createSessions(deps),
      logins: createPendingLogins(deps),
      devices: createDeviceLogins(deps),
      pass(ms: number) {
        now += ms;
      },
    };
  }

  it("a session ends 8 hours after its last use, and 16 hours after its login", async () => {
    const { sessions, pass } = createWorld();
    const idle = await sessions.begin({ kind: "browser", sender: ADA });
    const used = await sessions.begin({ kind: "browser", sender: ADA });

    pass(7 * HOUR_MS);
    expect(await sessions.use(used.secret)).toMatchObject({ sender: ADA });
    expect(await sessions.find(idle.secret)).toMatchObject({ sender: ADA });
    pass(HOUR_MS);
    expect([await sessions.find(idle.secret), await sessions.get(idle.session.id)]).toEqual([undefined, undefined]);
    expect((await sessions.list({ limit: 100 })).items.map(({ id }) => id)).toEqual([used.session.id]);
    pass(6 * HOUR_MS);
    expect(await sessions.use(used.secret)).toBeDefined();
    pass(2 * HOUR_MS);
    expect(await sessions.find(used.secret)).toBeUndefined();
    expect((await sessions.list({ limit: 100 })).items).toEqual([]);
  });

  it("a session is ended once, also while it is used", async () => {
    const { sessions, pass } = createWorld();
    const { secret, session } = await sessions.begin({ kind: "cli", sender: ADA });
    pass(6 * MINUTE_MS);

    const [, ...ended] = await Promise.all([sessions.use(secret), sessions.end(session.id), sessions.end(session.id)]);

    expect(ended.filter((each) => each.length > 0).length).toBeGreaterThan(0);
    expect([await sessions.find(secret), await sessions.end(session.id)]).toEqual([undefined, []]);
  });

  it("a login is taken once, only with its own state, and not after 10 minutes", async () => {
    const { logins, pass } = createWorld();
    const [first, late] = [await logins.begin("/stacks"), await logins.begin("/stacks")];
    const toTaken = ({ secret, checks }: typeof first) => ({ secret, state: checks.state });
    const stolen = await logins.take({ secret: first.secret, state: late.checks.state });

    const taken = await Promise.all(Array.from({ length: AT_ONCE }, () => logins.take(toTaken(first))));
    pass(10 * MINUTE_MS);

    expect(stolen).toBeUndefined();
    expect(taken.filter((each) => each !== undefined)).toEqual([{ returnTo: "/stacks", checks: first.checks }]);
    expect(await logins.take(toTaken(late))).toBeUndefined();
  });

  it("a terminal's request is answered once, gives its approval once, and ends after 10 minutes", async () => {
    const { devices, pass } = createWorld();
    const [request, late] = [await devices.begin({ client: "laptop" }), await devices.begin({ client: "laptop" })];

    const answers = await Promise.all(
      Array.from({ length: AT_ONCE }, () =>
        devices.answer(request.userCode, { ...ADA, parent: "0".repeat(32), parentEndsAt: 0 }),
      ),
    );
    const polls = await Promise.all(Array.from({ length: AT_ONCE }, () => devices.poll(request.deviceCode)));
    pass(10 * MINUTE_MS);

    expect(answers.filter(Boolean)).toEqual([true]);
    expect(polls.filter(({ kind }) => kind === "approved")).toMatchObject([{ sender: ADA }]);
    expect([await devices.find(late.userCode), await devices.poll(late.deviceCode)]).toEqual([
      undefined,
      { kind: "expired_token" },
    ]);
  });

  it("an API token works until it expires, is rotated or revoked, and each change is in a whole audit log", async () => {
    const create = (expires: string) =>
      yard.json<NewApiToken>("/v1/tokens", { body: { name: "ci", role: "viewer", expires } });
    const statusOf = async (secret: string) =>
      (await yard.call("/v1/me", { headers: { authorization: `Bearer ${secret}` } })).status;
    const [short, long] = [await create("1d"), await create("30d")];
    const rotated = await yard.json<NewApiToken>(`/v1/tokens/${long.id}/rotate`, { body: { overlap: "1h" } });
    const secrets = [short.token, long.token, rotated.token];

    const before = await Promise.all(secrets.map(statusOf));
    yard.advance(24 * HOUR_MS);
    const after = await Promise.all(secrets.map(statusOf));
    await yard.call(`/v1/tokens/${long.id}/revoke`, { body: {} });
    const revoked = await statusOf(rotated.token);
    yard.run();

    expect([before, after, revoked]).toEqual([[200, 200, 200], [401, 401, 200], 401]);
    const list = () => yard.json<{ items: readonly { action: string }[] }>("/v1/audit?limit=100");
    await expect
      .poll(async () => (await list()).items.filter(({ action }) => action.endsWith("Token")).length, {
        timeout: 20_000,
      })
      .toBe(8);
    const check = checkChain(await yard.json<AuditHead>("/v1/audit/head"), Date.now());
    for (const text of (await (await yard.call("/v1/audit/export")).text()).trimEnd().split("\n")) check.add(text);
    expect(check.end().kind).toBe("whole");
  });
});
