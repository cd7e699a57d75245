import { createHmac, createSign } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { APP_ID, APP_KEY, createHostSim, type HostSim, type SentDelivery, startHostSim, USER_TOKEN } from "./index.ts";

const SECRET = "a-secret-of-the-tests";
const HEAD = "1".repeat(40);
let now = Date.UTC(2026, 0, 1);
let sim: HostSim;
let received: SentDelivery[] = [];

beforeAll(async () => {
  sim = await startHostSim({ secret: SECRET, now: () => now });
  sim.addRepository("acme/shop");
});
afterAll(() => sim.stop());
beforeEach(() => {
  received = [];
  const receiver = async (delivery: SentDelivery) => {
    received.push(delivery);
    return 202;
  };
  Object.assign(sim.settings, { receiver, deliveryFault: undefined, requestFault: undefined });
});

function toJwt(claims: object): string {
  const parts = [{ alg: "RS256", typ: "JWT" }, claims].map((part) =>
    Buffer.from(JSON.stringify(part)).toString("base64url"),
  );
  const signed = parts.join(".");
  return `${signed}.${createSign("RSA-SHA256").update(signed).sign(APP_KEY, "base64url")}`;
}

function createJwt(): string {
  const at = Math.floor(Date.now() / 1_000);
  return toJwt({ iss: APP_ID, iat: at - 30, exp: at + 300 });
}

async function request(path: string, { method = "GET", token = createJwt(), etag = "" } = {}) {
  const headers = { authorization: `bearer ${token}`, "if-none-match": etag };
  const response = await fetch(`${sim.url}/api/v3${path}`, { method, headers });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === "" ? undefined : JSON.parse(text) };
}

async function createToken(): Promise<string> {
  return (await request("/app/installations/9/access_tokens", { method: "POST" })).body.token;
}

describe("a simulated GitHub", () => {
  it("lets in only what the App signed, and not for longer than ten minutes", async () => {
    const at = Math.floor(Date.now() / 1_000);
    const statusOf = async (token: string) => (await request("/app/installations", { token })).status;

    expect(await statusOf(createJwt())).toBe(200);
    expect(await statusOf(`${createJwt().slice(0, -8)}AAAAAAAA`)).toBe(401);
    expect(await statusOf(toJwt({ iss: APP_ID + 1, iat: at, exp: at + 300 }))).toBe(401);
    expect(await statusOf(toJwt({ iss: APP_ID, iat: at, exp: at + 3_600 }))).toBe(401);
    expect((await request("/repos/acme/shop/pulls")).status).toBe(404);
  });

  it("signs deliveries about what it then returns", async () => {
    const number = await sim.openPull("acme/shop", { head: HEAD });
    const { body } = await request(`/repos/acme/shop/pulls/${number}`, { token: await createToken() });

    const [delivery] = received;
    const signature = createHmac("sha256", SECRET)
      .update(delivery?.body ?? "")
      .digest("hex");
    expect(delivery?.headers["x-hub-signature-256"]).toBe(`sha256=${signature}`);
    expect(JSON.parse(delivery?.body ?? "")).toMatchObject({ action: "opened", number, pull_request: body });
    expect(body).toMatchObject({ number, state: "open", head: { sha: HEAD } });
  });

  it("lists open pull requests in pages, each with an ETag", async () => {
    for (let each = 0; each < 3; each++) await sim.openPull("acme/shop", { head: HEAD });
    const token = await createToken();
    const first = await request("/repos/acme/shop/pulls?per_page=2", { token });
    const next = /<[^>]*(\/repos[^>]+)>; rel="next"/.exec(first.headers.get("link") ?? "")?.[1] ?? "";
    const etag = (await request(next, { token })).headers.get("etag") ?? "";

    expect(first.body).toHaveLength(2);
    expect((await request(next, { token, etag })).status).toBe(304);
    await sim.closePull("acme/shop", 3);
    expect((await request(next, { token, etag })).status).toBe(200);
  });

  it("loses, doubles and reorders deliveries, and lists what became of them", async () => {
    sim.settings.deliveryFault = "lose";
    await sim.push("acme/shop", 1, "2".repeat(40));
    sim.settings.deliveryFault = "double";
    await sim.push("acme/shop", 1, "3".repeat(40));
    sim.settings.deliveryFault = "hold";
    await sim.labelPull("acme/shop", 1, "a");
    await sim.labelPull("acme/shop", 1, "b");
    sim.settings.deliveryFault = undefined;
    await sim.releaseReversed();
    const { body } = await request("/app/hook/deliveries?per_page=5");

    expect(received.map((delivery) => JSON.parse(delivery.body).action)).toEqual([
      "synchronize",
      "synchronize",
      "labeled",
      "labeled",
    ]);
    expect(JSON.parse(received[2]?.body ?? "").label).toEqual({ name: "b" });
    const statuses = body.map(({ status, redelivery }: { status: string; redelivery: boolean }) => [
      status,
      redelivery,
    ]);
    expect(statuses).toEqual([
      ["OK", false],
      ["OK", false],
      ["OK", true],
      ["OK", false],
      ["failed to connect to host", false],
    ]);
    const lost = await request(`/app/hook/deliveries/${body[4].id}`);
    expect(lost.body.request.payload.pull_request.head.sha).toBe("2".repeat(40));
    await request(`/app/hook/deliveries/${body[4].id}/attempts`, { method: "POST" });
    expect(received.at(-1)?.headers["x-github-delivery"]).toBe(body[4].guid);
  });

  it("forgets deliveries after three days", async () => {
    now += 3 * 86_400_000;

    expect((await request("/app/hook/deliveries")).body).toEqual([]);
  });

  it("fails as a test says, also after it has done the request", async () => {
    sim.settings.requestFault = () => ({ status: 403, retryAfterSeconds: 60 });
    const limited = await request("/app/installations");
    sim.settings.requestFault = () => ({ status: 502, afterDoing: true });
    await sim.openPull("acme/shop", { head: HEAD });
    const before = received.length;
    const done = await request("/app/hook/deliveries/1/attempts", { method: "POST" });

    expect([limited.status, limited.headers.get("retry-after")]).toEqual([403, "60"]);
    expect([done.status, received.length - before]).toEqual([502, 1]);
  });
});

describe("a simulated GitHub in memory", () => {
  function create() {
    const own = createHostSim({ secret: SECRET, now: () => now });
    own.addRepository("acme/shop");
    const headers = { authorization: `bearer ${USER_TOKEN}` };
    const get = (path: string, init: RequestInit = {}) => own.fetch(`${own.url}/api/v3${path}`, { headers, ...init });
    return { own, get };
  }

  it("answers its fetch without a connection, and no other address", async () => {
    const { own, get } = create();
    await own.openPull("acme/shop", { head: HEAD });

    expect(await (await get("/repos/acme/shop/pulls/1")).json()).toMatchObject({ number: 1 });
    await expect(own.fetch("http://example.org/")).rejects.toThrow(TypeError);
  });

  it("follows redirects only where the request allows them", async () => {
    const { own, get } = create();
    own.addCommit("acme/shop", HEAD, [{ path: "main.tf", content: "" }]);

    expect((await get(`/repos/acme/shop/tarball/${HEAD}`)).headers.get("content-type")).toBe("application/x-gzip");
    expect((await get(`/repos/acme/shop/tarball/${HEAD}`, { redirect: "manual" })).status).toBe(302);
    await expect(get(`/repos/acme/shop/tarball/${HEAD}`, { redirect: "error" })).rejects.toThrow(TypeError);
  });

  it("lets a test meet every request: before it is carried out, after it, and instead of it", async () => {
    const { own, get } = create();
    const operations: string[] = [];
    own.settings.intercept = async ({ operation }, proceed) => {
      operations.push(operation);
      const answer = await proceed();
      if (operations.length === 1) throw new Error("The connection was reset.");
      return operations.length === 2 ? new Response("[]") : answer;
    };
    const comment = { method: "POST", body: JSON.stringify({ body: "Ready." }) };
    await own.openPull("acme/shop", { head: HEAD });

    await expect(get("/repos/acme/shop/issues/1/comments", comment)).rejects.toThrow(TypeError);
    expect(own.reports.comments).toHaveLength(1);
    expect(await (await get("/repos/acme/shop/pulls?per_page=1")).json()).toEqual([]);
    expect(await (await get("/repos/acme/shop/pulls/1")).json()).toMatchObject({ number: 1 });
    expect(operations).toEqual([
      "POST /repos/{name}/issues/{number}/comments",
      "GET /repos/{name}/pulls",
      "GET /repos/{name}/pulls/{number}",
    ]);
  });
});
