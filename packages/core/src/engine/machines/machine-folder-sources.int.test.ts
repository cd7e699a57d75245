import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createMachineSources } from "./machine-folder.ts";

const SOURCE =
  "version: 1\nevents: [GO]\nstates:\n  INIT: { on: { GO: [{ action: advance, state: END }] } }\n  END: { terminal: true }\ntasks: {}\n";

let root: string;
let folder: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "sources-"));
  folder = join(root, "machines");
  mkdirSync(folder);
  writeFileSync(join(folder, "app.yaml"), SOURCE);
});
afterEach(() => rmSync(root, { recursive: true }));

const open = () => createMachineSources({ folder, executors: new Map() });
const read = (name: string) => readFileSync(join(folder, name), "utf8");
const hashOf = async (name: string) => (await open().find(name))?.hash ?? "";

describe("the sources of a folder", () => {
  it("are replaced whole, with their mode, and leave no other files", async () => {
    chmodSync(join(folder, "app.yaml"), 0o640);
    const source = `# ünï\r\n${SOURCE}`;

    const problems = await open().write("app", { source, expectedHash: await hashOf("app") });

    expect(problems).toEqual([]);
    expect(read("app.yaml")).toBe(source);
    expect(statSync(join(folder, "app.yaml")).mode & 0o777).toBe(0o640);
    expect(readdirSync(folder)).toEqual(["app.yaml"]);
    expect(await open().find("app")).toMatchObject({ source, isWritable: true, origin: join(folder, "app.yaml") });
  });

  it("are replaced by one of those who write at the same time", async () => {
    const expectedHash = await hashOf("app");
    const texts = Array.from({ length: 10 }, (_, index) => `${SOURCE}# ${index}\n`);

    const written = await Promise.allSettled(texts.map((source) => open().write("app", { source, expectedHash })));

    const kept = texts.filter((_, index) => written[index]?.status === "fulfilled");
    expect(kept).toEqual([read("app.yaml")]);
  });

  it("are not replaced when they have changed meanwhile", async () => {
    const expectedHash = await hashOf("app");
    writeFileSync(join(folder, "app.yaml"), `${SOURCE}# theirs\n`);
    const theirs = await hashOf("app");

    const written = open().write("app", { source: `${SOURCE}# mine\n`, expectedHash });

    await expect(written).rejects.toMatchObject({
      code: "RECORD_CONFLICT",
      details: { source: `${SOURCE}# theirs\n`, hash: theirs },
    });
    expect(read("app.yaml")).toBe(`${SOURCE}# theirs\n`);
    expect(readdirSync(folder)).toEqual(["app.yaml"]);
  });

  it("take no document with errors, and say where they are", async () => {
    const written = open().write("app", {
      source: SOURCE.replace("END }]", "NOWHERE }]"),
      expectedHash: await hashOf("app"),
    });

    await expect(written).rejects.toMatchObject({
      code: "MACHINE_INVALID",
      details: { problems: expect.arrayContaining([expect.objectContaining({ line: 4, column: expect.any(Number) })]) },
    });
    expect(read("app.yaml")).toBe(SOURCE);
  });

  it.each(["../app", "..", "app.yaml", "/etc/passwd", "app/../app", "", "a\0b", ".app", "unknown"])(
    "know no machine %j",
    async (name) => {
      writeFileSync(join(root, "app.yaml"), SOURCE);
      writeFileSync(join(folder, ".app.yaml"), SOURCE);

      expect(await open().find(name)).toBeUndefined();
      const written = open().write(name, { source: SOURCE, expectedHash: "" });
      await expect(written).rejects.toMatchObject({ code: "MACHINE_UNKNOWN" });
    },
  );

  it("are read through links, and never written through them", async () => {
    writeFileSync(join(root, "outside.yaml"), SOURCE);
    symlinkSync(join(root, "outside.yaml"), join(folder, "linked.yaml"));

    expect(await open().find("linked")).toMatchObject({ source: SOURCE, isWritable: false });
    const written = open().write("linked", { source: `${SOURCE}# new\n`, expectedHash: await hashOf("linked") });

    await expect(written).rejects.toMatchObject({ code: "FORBIDDEN" });
    expect(readFileSync(join(root, "outside.yaml"), "utf8")).toBe(SOURCE);
  });

  it("that are modules are not written", async () => {
    writeFileSync(join(folder, "typed.ts"), "export default {};\n");

    expect(await open().find("typed")).toMatchObject({ source: "export default {};\n", isWritable: false });
    const written = open().write("typed", { source: SOURCE, expectedHash: await hashOf("typed") });
    await expect(written).rejects.toMatchObject({ code: "FORBIDDEN" });
  });

  it("of one name in two files are neither read nor written", async () => {
    writeFileSync(join(folder, "app.json"), "{}");

    await expect(open().find("app")).rejects.toMatchObject({ code: "MACHINE_INVALID" });
  });
});
