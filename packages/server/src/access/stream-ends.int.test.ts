import { randomBytes } from "node:crypto";
import { silentLogger } from "@stackyard/core";
import { createMemoryStore, createStaticLocator, createUlids } from "@stackyard/core/engine";
import { createFakeClock } from "@stackyard/core/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createServer, type Server } from "../create-server.ts";
import { createSessions } from "./sessions.ts";

const URL_OF_YARD = "http://127.0.0.1:7070";
const HOUR_MS = 3_600_000;

let world: ReturnType<typeof createWorld>;
beforeEach(() => {
  world = createWorld();
});
afterEach(() => world.stop());

/** Two servers of a yard whose time stands still. */
function createWorld() {
  const clock = createFakeClock();
  const store = createMemoryStore();
  const deps = { store, clock, locator: createStaticLocator([]), executors: new Map(), logger: silentLogger };
  const access = {
    people: { issuer: "https://id.example.org", clientId: "stackyard" },
    grants: [{ to: { signedIn: true as const }, role: "viewer" as const }],
  };
  const start = () => createServer({ ...deps, ids: createUlids(), version: "0" }, { url: URL_OF_YARD, access });
  const servers = [start(), start()] as const;
  const sessions = createSessions({ records: store.records, clock, random: randomBytes });
  const signIn = async (name: string, kind: "browser" | "cli" = "cli") => {
    const sender = { kind: "person", id: `https://id.example.org ${name}`, name, groups: [] } as const;
    const { secret, session } = await sessions.begin({ kind, sender });
    return { secret, id: session.id };
  };
  const stop = async () => {
    for (const server of servers) await server.stop();
    await store.close();
  };
  return { clock, servers, sessions, signIn, stop };
}

type ToHeaders = (secret: string) => Readonly<Record<string, string>>;
const withBearer: ToHeaders = (secret) => ({ authorization: `Bearer ${secret}` });
const withCookie: ToHeaders = (secret) => ({ cookie: `stackyard-7070=${secret}`, "sec-fetch-site": "same-origin" });

function call(
  server: Server,
  path: string,
  secret: string,
  method = "GET",
  credential = withBearer,
): Promise<Response> {
  const headers = { ...credential(secret), "content-type": "application/json" };
  const body = method === "POST" ? { body: "{}" } : {};
  return Promise.resolve(server.app.fetch(new Request(`${URL_OF_YARD}${path}`, { method, headers, ...body })));
}

/** Opens a stream and reads it until it ends. */
async function openStream(server: Server, path: string, secret: string, credential = withBearer) {
  const response = await call(server, path, secret, "GET", credential);
  expect(response.status).toBe(200);
  const reader = response.body?.getReader();
  await reader?.read();
  const state = { hasEnded: false };
  const follow = async () => {
    while ((await reader?.read())?.done === false);
    state.hasEnded = true;
  };
  void follow();
  return state;
}

/** Lets everything happen that needs no time. */
const settle = () => world.clock.advance(0);

describe.each(["/v1/watch", "/v1/stream?kinds=history,progress"])("the stream %s", (path) => {
  it("ends on the server of the logout at once, and on another within 5 s", async () => {
    const { clock, servers, signIn } = world;
    const [ada, ben] = [await signIn("ada"), await signIn("ben")];
    const own = await openStream(servers[0], path, ada.secret);
    const elsewhere = await openStream(servers[1], path, ada.secret);
    const others = await openStream(servers[0], path, ben.secret);

    const { status } = await call(servers[0], `/v1/sessions/${ada.id}/revoke`, ada.secret, "POST");
    await expect.poll(() => own.hasEnded).toBe(true);

    expect([status, elsewhere.hasEnded]).toEqual([200, false]);
    await clock.advance(5_000);
    await expect.poll(() => elsewhere.hasEnded).toBe(true);
    expect((await call(servers[1], "/v1/stacks", ada.secret)).status).toBe(401);
    expect(others.hasEnded).toBe(false);
  });

  it("ends with the session's time", async () => {
    const { clock, servers, signIn } = world;
    const { secret } = await signIn("ada");
    await clock.advance(16 * HOUR_MS - 10_000);
    const stream = await openStream(servers[0], path, secret);
    await clock.advance(4_000);
    await settle();

    const before = stream.hasEnded;
    await clock.advance(12_000);

    expect(before).toBe(false);
    await expect.poll(() => stream.hasEnded).toBe(true);
  });

  it("does not keep a browser signed in that is left alone", async () => {
    const { clock, servers, sessions, signIn } = world;
    const { secret, id } = await signIn("ada", "browser");
    const stream = await openStream(servers[0], path, secret, withCookie);
    const opened = (await sessions.get(id))?.usedAt;
    await clock.advance(11 * 60_000);
    await settle();

    const watched = (await sessions.get(id))?.usedAt;
    const used = await call(servers[0], "/v1/stacks", secret, "GET", withCookie);

    expect([stream.hasEnded, watched, used.status]).toEqual([false, opened, 200]);
    expect((await sessions.get(id))?.usedAt).toBe(clock.now());
  });
});
