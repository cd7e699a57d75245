import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Store } from "@stackyard/core";
import { createSqliteStore } from "@stackyard/store-sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseLines, runCli, startCli } from "../testing/run-cli.ts";
import { makeSharedStore } from "../testing/shared-store.ts";
import { makeTempProject } from "../testing/temp-project.ts";

const MACHINE = `version: 2
events: [OPEN]
states:
  INIT: { on: { OPEN: UP } }
  UP: {}
`;
const CONFIG = JSON.stringify({ store: "./store.mjs" });

let cwd = "";
let target: Store;
let remove = () => {};
const run = (...words: string[]) => runCli(words, { cwd });
const migrate = () => run("migrate", "--from", "dev", "--json");

/** A project on a shared store, next to the data folder of a yard of `stackyard dev` with one stack. */
beforeEach(async () => {
  const { files, store } = makeSharedStore();
  target = store;
  const project = makeTempProject({
    ...files,
    "stackyard.config.json": JSON.stringify({ dataDir: "dev" }),
    "machines/m.yaml": MACHINE,
  });
  ({ folder: cwd, remove } = project);
  const dev = startCli(["dev", "--port", "0"], { cwd });
  await dev.line((line) => line.includes("Ctrl-C stops"));
  await run("send", "pr-1", "OPEN", "--machine", "m", "--wait");
  dev.interrupt();
  await dev.result;
  writeFileSync(join(cwd, "stackyard.config.json"), CONFIG);
});
afterEach(() => remove());

describe("stackyard migrate --from", () => {
  it("moves an embedded yard to the project's store, and only compares when it is repeated", async () => {
    const first = await migrate();
    const again = await migrate();

    const [report] = parseLines(first.stdout);
    expect([first.exitCode, first.stderr]).toEqual([0, ""]);
    expect(report).toMatchObject({ kind: "copied", from: join(cwd, "dev"), store: "./store.mjs" });
    expect(parseLines(again.stdout)[0]).toEqual({ ...report, kind: "again" });
    expect((await target.load(["pr-1"]))[0]?.stack).toMatchObject({ state: "UP", machine: "m" });
    expect((await target.queries.listHistory({ stackId: "pr-1" }, { limit: 9 })).items).toHaveLength(1);
    expect((await target.revisions.list("m", { limit: 9 })).items).toHaveLength(1);
  });

  it("is refused while the yard runs", async () => {
    const store = await createSqliteStore({ folder: join(cwd, "dev") });

    const { exitCode, stderr } = await migrate();
    await store.close();

    expect([exitCode, stderr]).toEqual([3, expect.stringContaining("STORE_LOCKED")]);
    expect((await target.queries.stats()).stacks).toBe(0);
  });

  it("explains what is missing: a store to copy to, and one to copy from", async () => {
    const none = await run("migrate", "--from", "elsewhere");
    const { folder, remove: removeOther } = makeTempProject({ "stackyard.config.json": "{}" });
    const embedded = await runCli(["migrate", "--from", join(cwd, "dev")], { cwd: folder });
    removeOther();

    expect(none.stderr).toContain("No store found in");
    expect(embedded.stderr).toContain('Write `store: "postgres"`');
  });
});
