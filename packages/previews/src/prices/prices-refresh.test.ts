import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PricingClient } from "@aws-sdk/client-pricing";
import type { PluginCommandContext } from "@stackyard/core";
import { parseYamlDocument } from "@stackyard/core/machine";
import { afterAll, describe, expect, it } from "vitest";
import { createAwsBench } from "../testing/aws-bench.ts";
import { createPricesRefresh } from "./prices-refresh.ts";

const projectDir = mkdtempSync(join(tmpdir(), "prices-"));
const file = join(projectDir, "prices.yaml");
afterAll(() => rmSync(projectDir, { recursive: true }));

const DOCUMENT = `# Prices that matter to us.\r
asOf: "2025-01-01"   # refreshed by hand
constants:
  # per hour
  micro: { usd: 0.01,  service: AmazonEC2, filters: { instanceType: t3.micro, regionCode: eu-west-1 } }
  storage:
    usd:   0.1   # per GB and month
    service: AmazonRDS
    filters: {volumeType: General Purpose}
    unit: GB-Mo
  tax: 1.19
prices: { aws_instance: "constants.micro" }
`;

const micro = { instanceType: "t3.micro", regionCode: "eu-west-1" };
const hour = (usd: string) => [{ usd, unit: "Hrs" }];

/** An AWS with a price for each constant of the document. */
function createBench(text = DOCUMENT, region = "us-east-1") {
  writeFileSync(file, text);
  const { sim, aws, clock } = createAwsBench();
  const { pricing } = sim;
  pricing.add({ service: "AmazonEC2", sku: "A", attributes: micro, prices: hour("0.0104000000") });
  pricing.add({
    service: "AmazonRDS",
    sku: "B",
    attributes: { volumeType: "General Purpose" },
    prices: [
      { usd: "0.1000000000", unit: "GB-Mo" },
      { usd: "0.5000000000", unit: "Hrs" },
    ],
  });
  const command = createPricesRefresh({ client: () => aws(PricingClient, region), now: () => clock.now() });
  const results: unknown[] = [];
  const notes: string[] = [];
  const context: PluginCommandContext = {
    out: {
      result: (value, toText) => void results.push(value, toText()),
      progress: () => undefined,
      note: (note) => void notes.push(note),
    },
    cwd: "/",
    projectDir,
    dataDir: projectDir,
    environment: {},
    yards: {},
    server: { url: "http://127.0.0.1:1" },
    signal: new AbortController().signal,
  };
  return {
    pricing,
    results,
    notes,
    run: (args = {}) => command.run(context, args),
    read: () => readFileSync(file, "utf8"),
  };
}

describe("stackyard previews prices refresh", () => {
  it("writes changed prices and the date, and changes no other byte", async () => {
    const { run, read, results } = createBench();

    expect(await run()).toBe(0);

    expect(read()).toBe(DOCUMENT.replace("usd: 0.01,", "usd: 0.0104,").replace('"2025-01-01"', "2026-01-01"));
    expect(results[0]).toEqual({
      file,
      written: true,
      asOf: "2026-01-01",
      constants: [
        { name: "micro", before: 0.01, usd: 0.0104 },
        { name: "storage", before: 0.1, usd: 0.1 },
      ],
    });
    expect(results[1]).toContain("changed");
  });

  it("replaces the file as a whole, also behind a link: who reads meanwhile sees one text or the other", async () => {
    const { run, read } = createBench();
    symlinkSync("prices.yaml", join(projectDir, "linked.yaml"));
    const reader = openSync(file, "r");

    await run({ file: join(projectDir, "linked.yaml") });

    expect(readFileSync(reader, "utf8")).toBe(DOCUMENT);
    closeSync(reader);
    expect(read()).toContain("usd: 0.0104,");
    expect(readdirSync(projectDir).sort()).toEqual(["linked.yaml", "prices.yaml"]);
  });

  it("changes nothing in a dry run, and again where nothing has changed", async () => {
    const { run, read } = createBench();

    expect(await run({ dryRun: true })).toBe(0);
    expect(read()).toBe(DOCUMENT);
    await run();
    const once = read();
    await run();

    expect(read()).toBe(once);
  });

  it.each([
    ["no product fits", "t3.micro", "t9.micro", "no product fits the filters"],
    [
      "its unit has no price",
      "filters: { instanceType",
      "unit: GB, filters: { instanceType",
      "no product has a price in USD per GB",
    ],
  ])("writes nothing when %s", async (_, from, to, reason) => {
    const text = DOCUMENT.replace(from, to);
    const { run, read, results, notes } = createBench(text);

    expect(await run()).toBe(1);

    expect(read()).toBe(text);
    expect(results[0]).toMatchObject({
      written: false,
      constants: [{ name: "micro", fault: reason }, { name: "storage" }],
    });
    expect(notes).toEqual(["Nothing was written."]);
  });

  it("writes nothing when the filters leave several prices, and takes several products of one price", async () => {
    const { run, pricing, results } = createBench();
    pricing.add({ service: "AmazonEC2", sku: "C", attributes: micro, prices: hour("0.0104") });
    expect(await run({ dryRun: true })).toBe(0);
    pricing.add({ service: "AmazonEC2", sku: "D", attributes: micro, prices: hour("0.0000000000") });

    expect(await run()).toBe(1);

    expect(results[2]).toMatchObject({
      constants: [{ fault: "3 products have 2 prices (0.0104, 0.0); add filters" }, {}],
    });
  });

  it("does not read more than a page of 100 products", async () => {
    const { run, pricing, results } = createBench();
    for (let index = 0; index < 100; index++) {
      pricing.add({ service: "AmazonEC2", sku: `S${index}`, attributes: micro, prices: hour("0.0104") });
    }

    expect(await run()).toBe(1);

    expect(results[0]).toMatchObject({ constants: [{ fault: "more than 100 products fit; add filters" }, {}] });
  });

  it.each([
    ["constants: [", "prices.yaml: "],
    ["asOf: 2026-11-01\nconstants: { a: { usd: much, service: X, filters: { b: c } } }", 'The constant "a" must be'],
    ["asOf: 2026-11-01\nconstants: { a: { usd: 1, service: X, filters: {} } }", 'The constant "a" must be'],
    [
      "asOf: 2026-11-01\nx: &n 1\nconstants: { a: { usd: *n, service: X, filters: { b: c } } }",
      'The constant "a" must be',
    ],
    ["prices: {}", 'The key "asOf" is missing.'],
  ])("refuses %j", async (text, message) => {
    await expect(createBench(text).run()).rejects.toThrow(message);
  });

  it("says what it lacks: the file, constants to look up, or AWS", async () => {
    await expect(createBench().run({ file: "nowhere.yaml" })).rejects.toThrow("/nowhere.yaml cannot be read");
    const none = createBench("asOf: 2026-11-01\nconstants: { a: 1 }\n");
    expect(await none.run()).toBe(0);
    expect(none.notes).toEqual(["No constant of the document names a service and filters."]);
    await expect(createBench(DOCUMENT, "eu-west-1").run()).rejects.toMatchObject({ code: "UNREACHABLE" });
  });

  it("is tested with a document without faults", () => {
    expect(parseYamlDocument(DOCUMENT, { type: "object" } as never).problems).toEqual([]);
  });
});
