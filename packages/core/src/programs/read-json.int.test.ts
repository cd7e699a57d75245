import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import { type ForeignJson, JSON_LIMITS, type JsonLimits, readForeignJson } from "./read-json.ts";

const MIB = 1024 * 1024;
const PARTS = { format: "value", changes: "each", all: "count", text: "length", missing: "value" } as const;
/** Every text is large for these: it is read beside the event loop. */
const BESIDE: Partial<JsonLimits> = { inlineBytes: 0 };

async function read(text: string, more: Partial<ForeignJson> = {}) {
  const entries: unknown[] = [];
  const onEntry = (part: string, entry: unknown) => entries.push([part, entry]);
  const input = { what: "The plan", from: { bytes: Buffer.from(text) }, parts: PARTS, onEntry, ...more };
  return { found: await readForeignJson(input), entries };
}

/** Returns a text of this size, in entries like those of a plan. */
function aPlan(mib: number): string {
  const entry = JSON.stringify({
    address: "aws_iam_policy.this",
    change: { actions: ["no-op"], before: { id: 1, policy: "x".repeat(160), tags: null }, after: {} },
  });
  const count = Math.ceil((mib * MIB) / (entry.length + 1));
  return `{"format":"1.2","changes":[${Array.from({ length: count }, () => entry).join(",")}],"all":[1,2]}`;
}

describe.each([
  ["at once", {}],
  ["beside the event loop", BESIDE],
])("a JSON text of others that is read %s", (_, limits) => {
  it("gives the parts that are wanted", async () => {
    const text = '{"format":"1.2","other":{"a":1},"changes":[{"b":[2]},"ü"],"all":[1,2,3]}';
    const { found, entries } = await read(text, { limits });
    expect(found).toEqual({ format: "1.2", changes: 2, all: 3 });
    expect(entries).toEqual([
      ["changes", { b: [2] }],
      ["changes", "ü"],
    ]);
  });

  it("does not count a text as a list, or a list as a text", async () => {
    const { found } = await read('{"all":"abc","changes":"abc","text":[1]}', { limits });
    expect(found).toEqual({});
    expect((await read('{"text":"abc","all":[]}', { limits })).found).toEqual({ text: 3, all: 0 });
  });

  it("gives each member when all are wanted", async () => {
    const text = '{"a":1,"b":{"c":[]}}';
    expect((await read(text, { limits, parts: "all" })).found).toEqual(JSON.parse(text));
    // [lodash#4874], [vega#2527]: a member of this name is one like the others.
    const { found } = await read('{"__proto__":{"isAdmin":true},"a":1}', { limits, parts: "all" });
    expect(Object.keys(found ?? {})).toEqual(["__proto__", "a"]);
    expect(Object(found).isAdmin).toBeUndefined();
  });

  it.each(["[1]", "null", '"a"', "", "{", '{"format":"1.2"'])("is no object: %s", async (text) => {
    expect((await read(text, { limits })).found).toBeUndefined();
  });

  it("keeps the digits of long numbers for a parser that wants them", async () => {
    const texts: string[] = [];
    const parse = (text: string): unknown => {
      texts.push(text);
      return JSON.parse(text);
    };
    await read('{"format":12345678901234567890,"changes":[1e400]}', { limits, parse });
    expect(texts.join()).toContain("12345678901234567890");
    expect(texts.join()).toContain("1e400");
  });

  it.each([
    [{ maxBytes: 20 }, "The plan has 34 bytes; 20 are allowed."],
    [{ maxMarks: 4 }, "The plan has more than 4 values."],
    [{ maxDepth: 2 }, "The plan has more than 2 levels."],
  ])("is refused beyond its budget: %j", async (given, message) => {
    const reading = read('{"format":"1.2","changes":[[1,2,3]]}'.replace("1.2", ""), {
      limits: { ...limits, ...given },
    });
    await expect(reading).rejects.toMatchObject({
      code: "PAYLOAD_TOO_LARGE",
      message: expect.stringMatching(message.replace("34", "\\d+")),
    });
  });

  it("counts no marks within texts", async () => {
    const { found } = await read('{"format":"[[[[,,,,\\"{{{{","changes":[]}', {
      limits: { ...limits, maxMarks: 6, maxDepth: 2 },
    });
    expect(found).toEqual({ format: '[[[[,,,,"{{{{', changes: 0 });
  });
});

it("lets timers tick while a plan of 40 MiB is read", async () => {
  const folder = mkdtempSync(join(tmpdir(), "read-json-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "show.out");
  writeFileSync(path, aPlan(40));
  let [ticks, longest, before] = [0, 0, performance.now()];
  const begun = before;
  const timer = setInterval(() => {
    ticks += 1;
    longest = Math.max(longest, performance.now() - before);
    before = performance.now();
  }, 5);
  const { found, entries } = await read("", { from: { path } });
  clearInterval(timer);
  expect(found).toMatchObject({ format: "1.2", changes: entries.length, all: 2 });
  // Relative: parsed at once, the whole of it would be one gap.
  expect(longest).toBeLessThan((performance.now() - begun) / 3);
  expect(ticks).toBeGreaterThan(10);
});

it.each(["[", "{},", '{"k":0},', "0,"])("refuses a text of many %s before it is parsed", async (unit) => {
  const text = `{"changes":[${unit.repeat((24 * MIB) / unit.length)}0]}`;
  await expect(read(text)).rejects.toMatchObject({ code: "PAYLOAD_TOO_LARGE" });
});

it("ends a thread that takes too long, and when it is no longer wanted", async () => {
  const text = aPlan(8);
  await expect(read(text, { limits: { timeoutMs: 1 } })).rejects.toMatchObject({ code: "PAYLOAD_TOO_LARGE" });
  const stopping = new AbortController();
  const reading = read(text, { signal: stopping.signal });
  await delay(1);
  stopping.abort(new Error("stopped"));
  await expect(reading).rejects.toThrow("stopped");
  // The next one gets its turn.
  expect((await read(text)).found).toMatchObject({ format: "1.2" });
});

it("refuses one entry that is too large to be parsed at once", async () => {
  const text = `{"changes":["${"x".repeat(JSON_LIMITS.maxPartBytes)}"]}`;
  await expect(read(text)).rejects.toMatchObject({ message: expect.stringContaining('a part of "changes"') });
});
