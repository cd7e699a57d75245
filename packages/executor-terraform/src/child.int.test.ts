import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import type { Ends } from "./testing/out-of-descriptors.ts";

const script = join(import.meta.dirname, "testing/out-of-descriptors.ts");
const folder = mkdtempSync(join(tmpdir(), "child-"));
afterEach(() => rmSync(folder, { recursive: true }));

it("fails without ending the process or keeping files open when file descriptors run out", () => {
  const command = 'ulimit -n 64 && exec "$0" --disable-warning=ExperimentalWarning "$1" "$2"';
  const { stdout, stderr, status } = spawnSync("sh", ["-c", command, process.execPath, script, folder], {
    encoding: "utf8",
  });

  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  const { ends, versions, after }: Ends = JSON.parse(stdout);
  expect(after).toBe("ended");
  expect(versions).toEqual(["EMFILE", "found"]);
  expect(ends).toEqual([
    "EMFILE, 0 of 0 free",
    "EMFILE, 1 of 1 free",
    "EMFILE, 2 of 2 free",
    "EMFILE, 3 of 3 free",
    expect.stringMatching(/, 4 of 4 free$/),
    expect.stringMatching(/, 5 of 5 free$/),
  ]);
});
