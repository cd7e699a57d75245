import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isMachineFile, loadMachineFile, nameOfFile } from "./folder-locator.ts";

const DOCUMENT = { version: 1, events: ["GO"], states: { INIT: {} }, tasks: {} };

let folder = "";
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

  it("is read anew when it has another stamp", async () => {
    const path = await write("app.mjs", `export default ${JSON.stringify(DOCUMENT)};`);
    const first = await loadMachineFile(path, { stamp: "1" });
    await write("app.mjs", `export default ${JSON.stringify({ ...DOCUMENT, events: ["STOP"] })};`);

    const second = await loadMachineFile(path, { stamp: "2" });

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
          ...{ severity: "error", code: "module-failed", path: "", line: 1, column: 1 },
          message: "The module has no default export. Write `export default defineMachine({ … })`.",
        },
      ],
    });
  });

  it.each([
    ["broken.mjs", "export default {"],
    ["empty.mjs", ""],
    ["empty.yaml", ""],
    ["list.json", "[]"],
  ])("that holds none is invalid, and says why: %s", async (file, text) => {
    const { located } = await loadMachineFile(await write(file, text));

    expect(located).toMatchObject({ kind: "invalid", problems: [{ severity: "error" }] });
  });

  it("fails when it is not there", async () => {
    await expect(loadMachineFile(join(folder, "none.yaml"))).rejects.toThrow("ENOENT");
  });
});
