import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";

const folder = join(import.meta.dirname, "..");

it.each([
  ["--help", 0],
  ["--bogus", 64],
])("plays nothing for %s, and says what it takes", (word, status) => {
  const played = spawnSync(process.execPath, ["demo/main.ts", word], { cwd: folder, encoding: "utf8" });

  expect(played.status).toBe(status);
  expect(status === 0 ? played.stdout : played.stderr).toContain("npm run demo:artifacts [-- --keep]");
  expect(played.stdout).not.toContain("A distributor in");
});

it("exits without an error when the reader closes the pipe", () => {
  const options = { cwd: folder, encoding: "utf8" } as const;

  const { stdout, stderr } = spawnSync("sh", ["-c", `"${process.execPath}" demo/main.ts | true`], options);

  expect({ stdout, stderr }).toEqual({ stdout: "", stderr: "" });
});
