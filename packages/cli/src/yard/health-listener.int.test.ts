import { afterEach, describe, expect, it, vi } from "vitest";
import { type HealthInput, type HealthListener, startHealthListener } from "./health-listener.ts";

let listener: HealthListener;
afterEach(() => listener.close());

async function ask(input: Partial<HealthInput>) {
  const base = { host: "127.0.0.1", port: 0, isStopping: () => false, check: async () => ({}), expose: () => "up 1\n" };
  listener = await startHealthListener({ ...base, ...input });
  const ready = () => fetch(`${listener.url}/health/ready`);
  const metrics = () => fetch(`${listener.url}/metrics`);
  return { ready, metrics, json: async () => readJson(await ready()) };
}

const readJson = async (response: Response) => ({ status: response.status, body: await response.json() });
const SILENT = { status: 503, body: { detail: "The store does not answer." } };

describe("the readiness of a worker", () => {
  it("is healthy while the store answers", async () => {
    expect(await (await ask({})).json()).toEqual({ status: 200, body: { status: "ok" } });
  });

  it("names who holds rows of the store locked", async () => {
    const { json } = await ask({ check: async () => ({ blockedBy: ["the session 12"] }) });

    expect(await json()).toEqual({ status: 200, body: { status: "ok", blockedBy: ["the session 12"] } });
  });

  it("is not given when the store fails, and again when it answers", async () => {
    const check = vi.fn(async () => ({})).mockRejectedValueOnce(new Error("gone"));
    const { json } = await ask({ check });

    expect([await json(), (await json()).status]).toEqual([SILENT, 200]);
  });

  it("fails for a store that does not answer, which is checked once for many callers", async () => {
    const check = vi.fn(() => new Promise<never>(() => {}));
    const { json } = await ask({ check, checkMs: 20 });

    expect(await Promise.all([json(), json()])).toEqual([SILENT, SILENT]);
    expect(await json()).toEqual(SILENT);
    expect(check).toHaveBeenCalledTimes(1);
  });

  it("is not given while the worker stops, and the store is not asked", async () => {
    const check = vi.fn(async () => ({}));
    const { json } = await ask({ check, isStopping: () => true });

    expect(await json()).toEqual({ status: 503, body: { detail: "The worker is stopping." } });
    expect(check).not.toHaveBeenCalled();
  });
});

it("serves the metrics of the worker in the Prometheus format", async () => {
  const response = await (await ask({})).metrics();

  expect([response.status, response.headers.get("content-type"), await response.text()]).toEqual([
    200,
    "text/plain; version=0.0.4; charset=utf-8",
    "up 1\n",
  ]);
});

it("keeps the connections of load balancers", async () => {
  const response = await (await ask({})).ready();

  expect(response.headers.get("keep-alive")).toBe("timeout=75");
});
