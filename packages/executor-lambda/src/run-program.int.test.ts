import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Ends } from "./testing/out-of-descriptors.ts";

const script = join(import.meta.dirname, "testing/out-of-descriptors.ts");

describe("runProgram", () => {
  it("reports that a program was not started when no file descriptors are left, and works again once there are", () => {
    const { stdout, stderr, status } = spawnSync(
      "sh",
      ["-c", 'ulimit -n 64 && exec "$0" --disable-warning=ExperimentalWarning "$1"', process.execPath, script],
      { encoding: "utf8" },
    );

    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const printed: Ends = JSON.parse(stdout);
    expect(printed).toEqual({ ends: Array.from({ length: 6 }, () => "EMFILE"), after: "done" });
  });
});
