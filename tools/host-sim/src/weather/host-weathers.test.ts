import { createFakeClock, type Moment, type World } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createHostSim, USER_TOKEN } from "../host-sim.ts";
import { hostWeathers, watchHost } from "./host-weathers.ts";

const REPO = "acme/shop";
const LIST = "GitHub.GET /repos/{name}/issues/{number}/comments";
const WRITE = "GitHub.POST /repos/{name}/issues/{number}/comments";

async function createWorld() {
  const clock = createFakeClock();
  const sim = createHostSim({ secret: "a-secret", now: clock.now });
  sim.addRepository(REPO);
  await sim.openPull(REPO, { head: "1".repeat(40) });
  const quiet: World = {
    pass: clock.advance,
    wait: clock.advance,
    freeze: async () => undefined,
    die: () => Promise.reject(new Error("Nothing dies here.")),
    later: () => undefined,
    act: async () => undefined,
  };
  /** Plays a weather at every call of an operation. */
  function play(name: string, operation: string): void {
    const weather = find(name);
    watchHost(sim, {
      under: () => undefined,
      phase: () => undefined,
      clear: async () => undefined,
      meet: (called, input, proceed, act = quiet.act) =>
        called === operation ? weather.meet(toMoment(called, input), proceed, { ...quiet, act }) : proceed(),
    });
  }
  async function send(path: string, body?: object): Promise<Response> {
    const method = body === undefined ? "GET" : "POST";
    const headers = { authorization: `token ${USER_TOKEN}` };
    return sim.fetch(`${sim.url}/api/v3/repos/${REPO}${path}`, {
      method,
      headers,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  }
  const comment = () => send("/issues/1/comments", { body: "It is ready." });
  return { sim, play, send, comment };
}

function find(name: string) {
  const weather = hostWeathers.find((each) => each.name === name);
  if (weather === undefined) throw new Error(`No weather "${name}".`);
  return weather;
}

function toMoment(operation: string, input: unknown): Moment {
  return { at: operation, operation, input, now: 0, earlier: [], canFreeze: false };
}

describe("hostWeathers", () => {
  it("have different names, and a source each", () => {
    expect(new Set(hostWeathers.map(({ name }) => name)).size).toBe(hostWeathers.length);
    expect(hostWeathers.filter(({ source }) => source.length < 20)).toEqual([]);
  });

  it.each([
    ["throttled", 403, 0],
    ["server error", 502, 0],
    ["denied", 403, 0],
    ["unauthorized", 401, 0],
    ["untrusted", 403, 0],
    ["uninstalled", 404, 0],
    ["server error after", 502, 1],
  ])("%s: a comment is answered with %i, and %i are written", async (name, status, written) => {
    const { sim, play, comment } = await createWorld();
    play(name, WRITE);

    expect((await comment()).status).toBe(status);
    expect(sim.reports.comments).toHaveLength(written);
  });

  it.each([
    ["reset before", 0],
    ["reset after", 1],
    ["silent", 1],
  ])("%s: a comment is not answered, and %i are written", async (name, written) => {
    const { sim, play, comment } = await createWorld();
    play(name, WRITE);

    await expect(comment()).rejects.toThrow("fetch failed");
    expect(sim.reports.comments).toHaveLength(written);
  });

  it("missing: a list lacks its first row", async () => {
    const { play, send, comment } = await createWorld();
    await comment();
    await comment();
    play("missing", LIST);

    expect(await (await send("/issues/1/comments?page=1")).json()).toMatchObject([{ id: 2 }]);
  });

  it.each([
    ["short page", 3],
    ["empty page", 4],
  ])("%s: the header link leads to every row, in %i pages", async (name, pages) => {
    const { play, send, comment } = await createWorld();
    for (let count = 0; count < 3; count += 1) await comment();
    play(name, LIST);

    const found: unknown[] = [];
    let page = 1;
    for (let hasNext = true; hasNext; page += 1) {
      const answer = await send(`/issues/1/comments?per_page=100&page=${page}`);
      found.push(...((await answer.json()) as unknown[]));
      hasNext = answer.headers.get("link")?.includes('rel="next"') === true;
    }

    expect([found.map((each) => Object(each).id), page - 1]).toEqual([[1, 2, 3], pages]);
  });
});
