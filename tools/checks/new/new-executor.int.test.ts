import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { runExecutor } from "@stackyard/core/testing";
import { afterAll, describe, expect, it } from "vitest";
import { newExecutor } from "./new-executor.ts";

// In this folder, because what is written imports packages by name.
const folder = mkdtempSync(join(import.meta.dirname, ".new-"));
afterAll(() => rmSync(folder, { recursive: true }));

const versionOf = (dependency: string) => (dependency === "node" ? ">=22.18" : "1.2.3");

describe("a new executor", () => {
  it("runs as it is written, and fails by its own code until its work is written", async () => {
    mkdirSync(join(folder, "src"));
    for (const [path, text] of newExecutor("wait-for-dns", versionOf).files) {
      if (path.includes("/src/") && !path.endsWith(".test.ts"))
        writeFileSync(join(folder, "src", basename(path)), text);
    }

    const { waitForDns } = await import(join(folder, "src/wait-for-dns.ts"));
    const { default: plugin } = await import(join(folder, "src/index.ts"));

    const run = await runExecutor(waitForDns, { seconds: 60 });
    expect(run.step).toMatchObject({ kind: "failed", code: "WAIT_FOR_DNS_NOT_WRITTEN" });
    const cancelled = await runExecutor(waitForDns, { seconds: 60 }, { cancelAfterMs: 20_000 });
    expect(cancelled.step).toMatchObject({ kind: "failed", code: "WAIT_FOR_DNS_CANCELLED" });
    expect(plugin).toMatchObject({ name: "wait-for-dns" });
  });

  it.each(["WaitForDns", "wait_for", "-wait", "../wait", ""])("refuses the name %j", (name) => {
    expect(() => newExecutor(name, versionOf)).toThrow("lower-case letters, digits and hyphens");
  });
});
