import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runCli, startDev } from "../testing/run-cli.ts";
import { makeTempProject } from "../testing/temp-project.ts";

let cwd: string;
let remove: () => void;
beforeEach(() => {
  ({ folder: cwd, remove } = makeTempProject({ "stackyard.config.json": "{}" }));
});
afterEach(() => remove());

const inData = (name: string) => join(cwd, ".stackyard", name);
const dropStore = () => {
  for (const suffix of ["", "-wal", "-shm"]) rmSync(inData(`stackyard.db${suffix}`), { force: true });
};

/** Starts a yard and stops it in order. */
async function runDev() {
  const dev = await startDev(cwd);
  dev.interrupt();
  return dev.result;
}

const refuseDev = () => runCli(["dev", "--port", "0", "--json"], { cwd });

describe("a data folder whose store is gone", () => {
  it.each([
    ["missing", dropStore],
    [
      "empty",
      () => {
        dropStore();
        writeFileSync(inData("stackyard.db"), "");
      },
    ],
  ])("is rejected when the store is %s, with a hint, and leaves it unchanged", async (_, lose) => {
    await runDev();
    lose();
    const before = statSync(inData("stackyard.db"), { throwIfNoEntry: false })?.size;

    const { exitCode, stderr } = await refuseDev();
    const doctor = await runCli(["doctor"], { cwd });

    expect([exitCode, JSON.parse(stderr).error]).toEqual([
      3,
      {
        code: "STORE_MISSING",
        message: `The store ${inData("stackyard.db")} is missing or empty, but ${inData("token")} shows that there was one.`,
        hint: expect.stringContaining("stackyard restore FILE"),
      },
    ]);
    expect(doctor.stdout).toContain("is missing or empty");
    expect(statSync(inData("stackyard.db"), { throwIfNoEntry: false })?.size).toBe(before);
  });

  it("begins with an empty yard once the token is removed, as the hint says", async () => {
    await runDev();
    dropStore();
    rmSync(inData("token"));

    expect((await runDev()).exitCode).toBe(0);
  });

  it("takes a backup back in place of an empty file", async () => {
    await runDev();
    const backup = join(cwd, "yard.backup");
    await runCli(["backup", backup], { cwd });
    dropStore();
    writeFileSync(inData("stackyard.db"), "");

    const restored = await runCli(["restore", backup], { cwd });

    expect([restored.exitCode, (await runDev()).exitCode]).toEqual([0, 0]);
  });
});

describe("a first start that was cut off", () => {
  it.each([
    ["before the store", () => {}],
    ["with an empty store", () => writeFileSync(inData("stackyard.db"), "")],
    [
      "before the token",
      async () => {
        await runDev();
        rmSync(inData("token"));
      },
    ],
  ])("is made good by the next one: %s", async (_, cutOff) => {
    mkdirSync(join(cwd, ".stackyard"), { mode: 0o700 });
    await cutOff();

    expect((await runDev()).exitCode).toBe(0);
    expect(existsSync(inData("token"))).toBe(true);
  });
});
