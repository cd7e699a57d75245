import { mkdirSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseLines, runCli, startCli } from "../testing/run-cli.ts";
import { makeTempProject } from "../testing/temp-project.ts";

describe("edit", () => {
  let cwd = "";
  let remove = () => {};
  beforeEach(() => {
    ({ folder: cwd, remove } = makeTempProject({ "m.yaml": "version: 2\nstates: { INIT: {} }\n", "notes.txt": "" }));
  });
  afterEach(() => remove());

  it("prints the address with the code, and ends with the signal", async () => {
    const running = startCli(["edit", "m.yaml", "--json"], { cwd });

    const [ready] = parseLines(await running.line((line) => line.includes("ready")));
    running.interrupt();
    const { exitCode } = await running.result;

    expect(exitCode).toBe(0);
    expect(ready).toMatchObject({
      kind: "ready",
      signInUrl: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/\?code=/),
    });
  });

  it("names --port where another program has the port", async () => {
    const other = createServer();
    const port = await new Promise<number>((resolve) => {
      other.listen(0, "127.0.0.1", () => resolve((other.address() as AddressInfo).port));
    });

    const edit = await runCli(["edit", "m.yaml", "--port", String(port)], { cwd });
    const dev = await runCli(["dev", "--port", String(port)], { cwd });
    other.close();

    for (const { exitCode, stderr } of [edit, dev]) {
      expect([exitCode, stderr]).toEqual([3, expect.stringMatching(/CONFIG_INVALID.*EADDRINUSE.*\n.*--port/)]);
    }
  });

  it.each([
    ["notes.txt", '"notes.txt" is not the name of a machine.'],
    ["folder.yaml", '"folder.yaml" is not a file.'],
    ["missing/m.yaml", 'The folder of "missing/m.yaml" does not exist.'],
    ["m.yaml/m.yaml", 'The folder of "m.yaml/m.yaml" does not exist.'],
  ])("refuses %s", async (name, message) => {
    mkdirSync(join(cwd, "folder.yaml"));

    const { exitCode, stderr } = await runCli(["edit", name], { cwd });

    expect(exitCode).toBe(64);
    expect(stderr).toContain(message);
  });
});
