import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { createOwnedFolder, removeDeadFolders } from "./run-folder.ts";
import { aFolder, type TestFolder } from "./testing/a-folder.ts";
import type { Ends } from "./testing/out-of-descriptors.ts";

const script = join(import.meta.dirname, "testing/out-of-descriptors.ts");
it("fails without ending the process or keeping files open when file descriptors run out", () => {
  const command = 'ulimit -n 64 && exec "$0" --disable-warning=ExperimentalWarning "$1" "$2"';
  const folder = mkdtempSync(join(tmpdir(), "child-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
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

/** Above what any system gives out. */
const DEAD_PID = 2 ** 30;

describe("removeDeadFolders", () => {
  let parent: TestFolder;
  const host = hostname().replace(/[^A-Za-z0-9.]/g, "_");
  const make = (name: string) => mkdirSync(join(parent.path, name, "module"), { recursive: true });

  beforeEach(() => {
    parent = aFolder();
  });
  afterEach(() => parent.remove());

  it("removes what a killed process of this host left, and nothing else", async () => {
    const own = await createOwnedFolder(parent.path);
    const others = [`stackyard-tf-elsewhere-${DEAD_PID}-abcdef`, `stackyard-tf-${host}-1-abcdef`, "something-else"];
    for (const name of [...others, `stackyard-tf-${host}-${DEAD_PID}-abcdef`]) make(name);

    await removeDeadFolders(parent.path);

    expect(new Set(readdirSync(parent.path).map((name) => join(parent.path, name)))).toEqual(
      new Set([own.path, ...others.map((name) => join(parent.path, name))]),
    );
  });

  it("removes what a process left that had our number before us", async () => {
    const name = `stackyard-tf-${host}-${process.pid}-abcdef`;
    make(name);
    utimesSync(join(parent.path, name), 1, 1);

    await removeDeadFolders(parent.path);

    expect(readdirSync(parent.path)).toEqual([]);
  });

  it("prints nothing when the folder does not exist", async () => {
    await expect(removeDeadFolders(join(parent.path, "none"))).resolves.toBeUndefined();
  });
});
