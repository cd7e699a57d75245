import { SimFault } from "@stackyard/aws-sim";
import { silentLogger } from "@stackyard/core";
import { describe, expect, it } from "vitest";
import { unlessForbidden } from "./unless-forbidden.ts";

async function run(error?: Error): Promise<readonly string[]> {
  const lines: string[] = [];
  const report = (line: string) => void lines.push(line);
  await unlessForbidden({ logger: silentLogger, report }, "alarms", async () => {
    if (error !== undefined) throw error;
  });
  return lines;
}

describe("unlessForbidden", () => {
  it("says nothing where all went well", async () => {
    expect(await run()).toEqual([]);
  });

  it.each([
    ["AccessDenied", 403],
    ["UnauthorizedOperation", 403],
  ])("tells of %s, and goes on", async (name, status) => {
    expect(await run(new SimFault(name, status, "Not you."))).toEqual([
      'left: alarms. Allow it to the role, and see "stackyard release repair"',
    ]);
  });

  it("throws everything else", async () => {
    const error = new SimFault("Throttling", 400, "Rate exceeded");

    await expect(run(error)).rejects.toBe(error);
  });
});
