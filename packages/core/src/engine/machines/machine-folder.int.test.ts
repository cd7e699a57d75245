// @module-tag adapter
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Clock } from "../../ports/clock.ts";
import { createFolderLocator, isMachineFile, loadMachineFile, nameOfFile } from "./machine-folder.ts";

const VALID = "version: 1\nevents: []\nstates:\n  INIT: {}\ntasks: {}\n";

let folder = "";
let now = 0;
const clock: Clock = { now: () => now, sleep: () => Promise.resolve() };
const locator = () => createFolderLocator({ folder, executors: new Map(), clock });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "stackyard-machines-"));
  now = 0;
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe("the folder locator", () => {
  it("names a machine after its file and judges each file alone", async () => {
    await writeFile(join(folder, "review.app.yaml"), VALID);
    await writeFile(join(folder, "broken.yml"), "version: 1\n");
    await writeFile(join(folder, "notes.txt"), "no machine");

    const list = await locator().list();

    expect(list.map(({ name, located }) => [name, located.kind])).toEqual([
      ["broken", "invalid"],
      ["review.app", "found"],
    ]);
    expect(await locator().find("notes")).toEqual({ kind: "unknown" });
  });

  it("sees a change when its cache is old, and at once when asked past it", async () => {
    const machines = locator();
    await writeFile(join(folder, "app.yaml"), VALID);
    const before = await machines.find("app");
    await writeFile(join(folder, "app.yaml"), VALID.replace("events: []", "events: [GO]"));

    const cached = await machines.find("app");
    const fresh = await machines.find("app", { fresh: true });

    expect(cached).toBe(before);
    expect(fresh.kind === "found" && [...fresh.machine.events]).toEqual(["GO"]);
  });

  it("calls a name that two files give invalid, and names both", async () => {
    await writeFile(join(folder, "qa.yml"), VALID);
    await writeFile(join(folder, "qa.yaml"), VALID);

    const found = await locator().find("qa");

    expect(found.kind === "invalid" && found.problems[0]?.message).toMatch(/qa\.yaml.*qa\.yml/);
  });

  it("loads machines from modules, by the name that they give or that of the file", async () => {
    const document = `{ version: 1, events: [], states: { INIT: {} }, tasks: {} }`;
    await writeFile(join(folder, "plain.mjs"), `export default ${document};`);
    await writeFile(join(folder, "failing.mjs"), `throw new Error("boom");`);

    const plain = await locator().find("plain");
    const failing = await locator().find("failing");

    expect(plain.kind).toBe("found");
    expect(failing.kind === "invalid" && failing.problems[0]).toMatchObject({ code: "module-failed" });
  });

  it("lets no file that cannot be read hide the others", async () => {
    await writeFile(join(folder, "app.yaml"), VALID);
    await symlink(join(folder, "nowhere"), join(folder, "lost.yaml"));
    await symlink(folder, join(folder, "loop.yaml"));

    const list = await locator().list();

    const problems = list.map(({ name, located }) => [
      name,
      located.kind === "invalid" ? located.problems.map(({ code }) => code) : located.kind,
    ]);
    expect(problems).toEqual([
      ["app", "found"],
      ["loop", ["file-unreadable"]],
      ["lost", ["file-unreadable"]],
    ]);
  });

  it("forgets a machine whose file is gone, and reads one that is mended", async () => {
    await writeFile(join(folder, "app.yaml"), VALID);
    await writeFile(join(folder, "broken.yaml"), "version: 1\n");
    const machines = locator();
    await machines.list();

    await rm(join(folder, "app.yaml"));
    await writeFile(join(folder, "broken.yaml"), VALID);

    expect((await machines.find("app", { fresh: true })).kind).toBe("unknown");
    expect((await machines.find("broken")).kind).toBe("found");
  });

  it("reads the folder once for all who ask at the same time", async () => {
    await writeFile(join(folder, "app.yaml"), VALID);
    const machines = locator();

    const found = await Promise.all(Array.from({ length: 5 }, () => machines.find("app")));

    expect(new Set(found).size).toBe(1);
  });

  it("lists no machines when the folder is missing", async () => {
    folder = join(folder, "missing");

    expect(await locator().list()).toEqual([]);
  });
});

const DOCUMENT = { version: 1, events: ["GO"], states: { INIT: {} }, tasks: {} };
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "stackyard-machine-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function write(name: string, text: string): Promise<string> {
  await writeFile(join(folder, name), text);
  return join(folder, name);
}

describe("a machine's file", () => {
  it.each([
    ["app.yaml", true],
    ["app.yml", true],
    ["app.json", true],
    ["app.ts", true],
    ["app.mts", true],
    ["app.js", true],
    ["app.mjs", true],
    ["app.d.ts", false],
    [".app.yaml", false],
    ["app.md", false],
    ["yaml", false],
  ])("is known by its ending: %s", (name, expected) => {
    expect(isMachineFile(join("machines", name))).toBe(expected);
  });

  it("names its machine without its last ending", () => {
    expect(nameOfFile("machines/review.app.yaml")).toBe("review.app");
  });

  it("may be JSON, whose hash is that of its text", async () => {
    const source = JSON.stringify(DOCUMENT);

    const { name, located } = await loadMachineFile(await write("app.json", source));

    expect(name).toBe("app");
    expect(located).toMatchObject({ kind: "found", revision: { name: "app", source } });
  });

  it("may be a module that names its machine, and whose source can be compiled again", async () => {
    const defined = { kind: "stackyard.machine", name: "other", document: DOCUMENT };

    const { name, located } = await loadMachineFile(
      await write("app.mjs", `export default ${JSON.stringify(defined)};`),
    );

    const revision = located.kind === "found" ? located.revision : undefined;
    const again = await loadMachineFile(await write("other.json", revision?.source ?? ""));
    expect([name, revision?.name]).toEqual(["other", "other"]);
    expect(again.located).toMatchObject({ kind: "found", revision: { hash: revision?.hash } });
  });

  it("is read anew at each load", async () => {
    const path = await write("app.mjs", `export default ${JSON.stringify(DOCUMENT)};`);
    const first = await loadMachineFile(path);
    await write("app.mjs", `export default ${JSON.stringify({ ...DOCUMENT, events: ["STOP"] })};`);

    const second = await loadMachineFile(path);

    const events = [first, second].map(({ located }) => (located.kind === "found" ? [...located.machine.events] : []));
    expect(events).toEqual([["GO"], ["STOP"]]);
  });

  it("says plainly that a module exports no machine", async () => {
    const text = `export const machine = ${JSON.stringify(DOCUMENT)};`;

    const { located } = await loadMachineFile(await write("app.ts", text));

    expect(located).toEqual({
      kind: "invalid",
      problems: [
        {
          severity: "error",
          code: "module-failed",
          path: "",
          line: 1,
          column: 1,
          message: "The module has no default export. Write `export default defineMachine({ … })`.",
        },
      ],
    });
  });

  it.each([
    ["broken.mjs", "export default {"],
    ["empty.mjs", ""],
  ])("that fails is invalid, and says why: %s", async (file, text) => {
    const { located } = await loadMachineFile(await write(file, text));

    expect(located).toEqual({ kind: "invalid", problems: [expect.objectContaining({ severity: "error" })] });
  });

  it.each([
    ["empty.yaml", ""],
    ["list.json", "[]"],
  ])("that holds none is invalid, and says why: %s", async (file, text) => {
    const { located } = await loadMachineFile(await write(file, text));

    expect(located).toMatchObject({ kind: "invalid", problems: [{ severity: "error" }], source: text });
  });

  it("fails when it is not there", async () => {
    await expect(loadMachineFile(join(folder, "none.yaml"))).rejects.toThrow("ENOENT");
  });
});
