import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { systemClock } from "@stackyard/core/engine";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { aFolder, type TestFolder } from "../testing/a-folder.ts";
import type { Ends } from "../testing/out-of-descriptors.ts";
import { runChild } from "./child.ts";
import { claimFolder, createOwnedFolder, removeDeadFolders } from "./run-folder.ts";

const options = { signal: new AbortController().signal, clock: systemClock };
const script = join(import.meta.dirname, "../testing/out-of-descriptors.ts");
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

describe("the output of a program", () => {
  /** Runs a program that writes these bytes, and returns the pieces that were passed on. */
  async function run(script: string): Promise<readonly string[]> {
    const folder = mkdtempSync(join(tmpdir(), "child-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const pieces: string[] = [];
    const end = await runChild({
      ...{ binary: process.execPath, arguments: ["-e", script], cwd: folder, environment: {} },
      ...{ logPath: join(folder, "log"), signal: new AbortController().signal, graceMs: 1_000 },
      onOutput: (piece) => void pieces.push(piece),
    });
    expect(end).toMatchObject({ code: 0 });
    return pieces;
  }

  it("is whole when it has more than one piece and a piece ends within a character", async () => {
    const pieces = await run('fs.writeSync(1, "a" + "é".repeat(100_000))');

    expect(pieces.length).toBeGreaterThan(1);
    expect(pieces.join("")).toBe(`a${"é".repeat(100_000)}`);
  });

  it("has no empty pieces, and shows that its last character is unfinished", async () => {
    expect(await run("fs.writeSync(1, Buffer.from([0x61, 0xe2, 0x82]))")).toEqual(["a", "\ufffd"]);
    expect(await run("fs.writeSync(1, Buffer.from([0xe2, 0x82]))")).toEqual(["\ufffd"]);
    expect(await run("0")).toEqual([]);
  });
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

  it("looks at no folder that this process holds", async () => {
    const owned = await createOwnedFolder(parent.path);
    const claimed = await claimFolder(parent.path, "a", options);
    // As if it were abandoned.
    writeFileSync(join(claimed.path, "owner"), `${host}\n${DEAD_PID}\n`);
    utimesSync(owned.path, 1, 1);

    await removeDeadFolders(parent.path);

    expect([owned.path, claimed.path].map((path) => existsSync(path))).toEqual([true, true]);
    await Promise.all([owned.remove(), claimed.remove()]);
    expect(readdirSync(parent.path)).toEqual([]);
  });

  it("prints nothing when the folder does not exist", async () => {
    await expect(removeDeadFolders(join(parent.path, "none"))).resolves.toBeUndefined();
  });
});

describe("claimFolder", () => {
  let parent: TestFolder;
  const claim = (name: string, waitMs = 0) => claimFolder(parent.path, name, { ...options, waitMs });

  beforeEach(() => {
    parent = aFolder();
  });
  afterEach(() => parent.remove());

  it("returns the same path again, and leaves nothing", async () => {
    const first = await claim("a");
    await first.remove();
    const second = await claim("a");
    await second.remove();

    expect(second.path).toBe(first.path);
    expect(readdirSync(parent.path)).toEqual([]);
  });

  it("waits for another run, and does not disturb it", async () => {
    const held = await claim("a");
    const other = await claim("b");

    const numbered = await claim("a");
    const waiting = claim("a", 20_000);
    await held.remove();

    expect(numbered.path).toBe(`${held.path}.2`);
    expect((await waiting).path).toBe(held.path);
    expect(other.path).not.toBe(held.path);
  });

  it("takes over what a killed process left, and ends what still works there", async () => {
    const held = await claim("a");
    writeFileSync(join(held.path, "owner"), `${hostname().replace(/[^A-Za-z0-9.]/g, "_")}\n${DEAD_PID}\n`);
    mkdirSync(join(held.path, "module"));
    const left = spawn("sleep", ["60"], { cwd: join(held.path, "module"), detached: true });
    const ended = once(left, "exit");

    const next = await claim("a");
    await ended;

    expect(next.path).toBe(held.path);
    expect(readdirSync(next.path)).toEqual(["owner"]);
  });

  it("refuses a folder that is a link of another user", async () => {
    const held = await claim("a");
    await held.remove();
    symlinkSync("/tmp", dirname(held.path));

    await expect(claim("a")).rejects.toThrow(/is not a folder of this user/);
  });
});
