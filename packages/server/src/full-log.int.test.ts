import { defineExecutor, failed, succeeded } from "@stackyard/core";
import { Type } from "typebox";
import { afterEach, describe, expect, it } from "vitest";
import { createTestYard, type TestYard } from "./testing/test-yard.ts";

let yard: TestYard;
afterEach(() => yard.stop());

const ID = encodeURIComponent("pr-1/e1/1/create/1");

/** A yard whose task reports these lines and waits for `release`. */
async function launch(lines: readonly string[]) {
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const executor = defineExecutor({
    name: "script",
    config: Type.Object({}),
    async start(ctx) {
      for (const line of lines) ctx.report(line);
      await released;
      return lines.length > 2 ? failed({ code: "X", message: "no", retryable: false }) : succeeded({});
    },
  });
  yard = createTestYard({ executor });
  yard.run();
  await yard.call("/v1/events", { body: { id: "e1", stackId: "pr-1", event: "LAUNCH", machine: "review-app" } });
  return release;
}

interface Times {
  readonly times: readonly { readonly at: number; readonly time: number }[];
}

const path = `/v1/attempts/${ID}/full-log`;
const range = async (value: string) => {
  const response = await yard.call(path, { headers: { range: value } });
  return [response.status, response.headers.get("content-range"), await response.text()];
};

describe("GET /v1/attempts/{id}/full-log", () => {
  it("returns the log while the attempt runs, and ranges of it", async () => {
    const release = await launch(["one", "two", "three"]);
    await expect.poll(async () => (await yard.call(path)).text()).toBe("one\ntwo\nthree\n");

    expect(await range("bytes=4-")).toEqual([206, "bytes 4-13/14", "two\nthree\n"]);
    expect(await range("bytes=0-2")).toEqual([206, "bytes 0-2/14", "one"]);
    expect(await range("bytes=-6")).toEqual([206, "bytes 8-13/14", "three\n"]);
    expect(await range("bytes=5-2")).toEqual([200, null, "one\ntwo\nthree\n"]);
    expect(await range("lines=1-2")).toEqual([200, null, "one\ntwo\nthree\n"]);
    const [status, contentRange, problem] = await range("bytes=14-");
    expect([status, contentRange]).toEqual([416, "bytes */14"]);
    expect(JSON.parse(String(problem))).toMatchObject({ code: "USAGE", details: { size: 14 } });
    release();
  });

  it("returns when its lines were logged, also in the download (argo-cd#29473)", async () => {
    const release = await launch(["one", "two", "three"]);
    await expect.poll(async () => (await yard.call(path)).text()).toBe("one\ntwo\nthree\n");
    const times = (query = "") => yard.json<Times>(`/v1/attempts/${ID}/log-times${query}`);

    const { times: all, ...part } = await times();
    const [first] = all;
    const download = await (await yard.call(`${path}?timestamps=true`)).text();

    expect([part, first?.at, all.every(({ time }) => time % 100 === 0)]).toEqual([{ from: 0, to: 14 }, 0, true]);
    expect(await times("?from=4&to=5")).toEqual({ from: 4, to: 5, times: [{ at: 4, time: first?.time }] });
    expect(await times("?from=99")).toEqual({ from: 99, to: 99, times: [] });
    const time = new Date(first?.time ?? 0).toISOString().replace("00Z", "Z");
    expect(download).toBe(`${time} one\n${time} two\n${time} three\n`);
    release();
  });

  it("returns the tail of an attempt whose log was too short to be stored", async () => {
    (await launch(["one", "two"]))();
    await expect.poll(async () => (await yard.call(path)).text()).toBe("one\ntwo");

    expect((await yard.store.records.list("log/", { limit: 1, now: 0 })).items).toEqual([]);
    expect(await range("bytes=4-")).toEqual([206, "bytes 4-6/7", "two"]);
    // Of the end alone no times are known, and no other word replaces them (argo-cd#19723).
    expect(await yard.json(`/v1/attempts/${ID}/log-times`)).toEqual({ from: 0, to: 7, times: [] });
    expect(await (await yard.call(`${path}?timestamps=true`)).text()).toMatch(/^- {21} one\n- {21} two$/);
  });

  it("is NOT_FOUND for an unknown attempt", async () => {
    yard = createTestYard();

    expect((await yard.call(path)).status).toBe(404);
  });
});
