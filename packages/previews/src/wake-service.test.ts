import { describe, expect, it } from "vitest";
import { createPreviewsBench } from "./testing/previews-bench.ts";
import { toWakeLink } from "./wake-link.ts";
import { createWakeServices } from "./wake-service.ts";

const source = `version: 2
events: [OPENED, WAKE]
states:
  INIT: { on: { OPENED: ASLEEP } }
  ASLEEP: { on: { WAKE: LIVE } }
  LIVE: { on: { WAKE: no-op } }
`;
const KEY = "a-key-of-the-tests";
const toLink = (stackId: string, key = KEY) => toWakeLink({ url: "https://yard.example.org/", key }, stackId);

async function createBench(stackId: string) {
  const services = createWakeServices({ wake: { keys: [{ env: "WAKE_KEY" }] } });
  const bench = createPreviewsBench({ source, executors: [], services });
  await bench.send(stackId, "OPENED");
  await bench.settle();
  const call = async (method: string, link: string, address = "192.0.2.1") => {
    const route = services[0]?.routes?.find((each) => each.method === method);
    if (route === undefined) throw new Error(`No route has the method ${method}.`);
    const request = { url: new URL(link), headers: new Headers(), body: new Uint8Array(), address, requestId: "r1" };
    const response = await route.answer(request, bench.deps);
    await bench.settle();
    return response;
  };
  return { ...bench, call };
}

describe("a wake link", () => {
  it("shows a button, and wakes the stack only when the button is pressed", async () => {
    const { call, stateOf } = await createBench("team/pr-1");

    const shown = await call("GET", toLink("team/pr-1"));
    expect([shown.status, await stateOf("team/pr-1")]).toEqual([200, "ASLEEP"]);
    expect(await shown.text()).toContain('<form method="post"><button>');
    const pressed = await call("POST", toLink("team/pr-1"));

    expect([pressed.status, await stateOf("team/pr-1")]).toEqual([200, "LIVE"]);
  });

  it("runs no scripts, and shows the id of the stack as text", async () => {
    const { call } = await createBench("<script>alert(1)</script>");

    const response = await call("GET", toLink("<script>alert(1)</script>"));

    expect(await response.text()).toContain("Wake up &lt;script&gt;alert(1)&lt;/script&gt;?");
    expect(response.headers.get("content-security-policy")).toMatch(/^default-src 'none'; form-action 'self'/);
  });

  it.each([
    ["of another key", toLink("pr-1", "another")],
    ["of another stack", toLink("pr-2").replace("pr-2", "pr-1")],
    ["without a signature", "https://yard.example.org/wake/pr-1"],
    ["without a stack", "https://yard.example.org/wake/?s=x"],
    ["that cannot be decoded", "https://yard.example.org/wake/%ff?s=x"],
  ])("%s is not valid", async (_, link) => {
    const { call, stateOf } = await createBench("pr-1");

    expect([(await call("GET", link)).status, (await call("POST", link)).status]).toEqual([401, 401]);
    expect(await stateOf("pr-1")).toBe("ASLEEP");
  });

  it("of a stack that was removed answers 404", async () => {
    const { call } = await createBench("pr-1");

    expect((await call("POST", toLink("pr-2"))).status).toBe(404);
  });

  it("can be used ten times a minute from an address", async () => {
    const { call, clock } = await createBench("pr-1");
    const statuses: number[] = [];
    for (let count = 0; count < 11; count++) statuses.push((await call("POST", toLink("pr-1"))).status);

    expect(statuses).toEqual([...Array(10).fill(200), 429]);
    expect((await call("POST", toLink("pr-1"), "192.0.2.2")).status).toBe(200);
    await clock.advance(60_000);
    expect((await call("POST", toLink("pr-1"))).status).toBe(200);
  });

  it.each([
    ["of the yard", { url: "https://yard.example.org/" }],
    ["of its services", { url: "https://console.example.org/", servicesUrl: "https://yard.example.org/" }],
  ])("is listed while its stack sleeps, where the address %s is known", async (_, addresses) => {
    const options = { wake: { keys: [{ env: "WAKE_KEY" }, { env: "OLD" }] } };
    const services = createWakeServices(options, addresses);
    const bench = createPreviewsBench({ source, executors: [], services });
    await bench.send("pr-1", "OPENED");
    await bench.settle();
    const list = async () => {
      const stack = await bench.findStack("pr-1");
      return stack === undefined ? undefined : bench.deps.listLinks(stack);
    };

    expect(await list()).toEqual([{ label: "Wake up", url: toLink("pr-1") }]);
    await bench.send("pr-1", "WAKE");
    await bench.settle();
    expect(await list()).toEqual([]);
    expect(createWakeServices(options)[0]?.listLinks).toBeDefined();
  });

  it("needs a key", () => {
    expect(createWakeServices({})).toEqual([]);
  });
});
