import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, expect, it } from "vitest";
import { eventually } from "../testing/eventually.ts";
import { parseLines, type RunningCli, runCli, startDev } from "../testing/run-cli.ts";
import { makeTempProject } from "../testing/temp-project.ts";

const toMachine = (revision: string) => `version: 2
revision: ${revision}
events: [GO, NOTE]
states:
  INIT: { on: { GO: LIVE } }
  LIVE: { on: { NOTE: no-op, GO: GONE } }
  GONE: { terminal: true }
`;
const { folder: cwd, remove } = makeTempProject({
  "stackyard.config.json": "{}",
  "machines/kept.yaml": toMachine("pin"),
  "machines/other.yaml": toMachine("follow"),
});
const run = (...words: string[]) => runCli(words, { cwd });
let dev: RunningCli;

async function stop() {
  dev.interrupt();
  await dev.result;
}

afterEach(async () => {
  await stop();
  remove();
});

async function doctor() {
  const { stdout } = await run("doctor", "--json");
  return parseLines(stdout).flatMap(({ check, status, message }) =>
    check === "stacks" ? [`${status}: ${message}`] : [],
  );
}

it("doctor, ps and the list of what needs a person name lost revisions, and doctor documents that are gone", async () => {
  dev = await startDev(cwd);
  await run("send", "a", "GO", "--machine", "kept", "--until", "LIVE");
  await run("send", "b", "GO", "--machine", "other", "--until", "LIVE");
  const before = [await doctor(), (await run("stacks", "ls", "--needs-person", "--json")).stdout];
  await stop();
  const database = new DatabaseSync(join(cwd, ".stackyard/stackyard.db"));
  database.exec("delete from revision where name = 'kept'");
  database.close();
  rmSync(join(cwd, "machines/kept.yaml"));
  rmSync(join(cwd, "machines/other.yaml"));
  writeFileSync(join(cwd, "machines/third.yaml"), toMachine("pin"));
  dev = await startDev(cwd);

  const needy = await eventually(async () => {
    const lines = parseLines((await run("stacks", "ls", "--needs-person", "--json")).stdout);
    expect(lines).toHaveLength(1);
    return lines;
  });
  const found = await doctor();
  const ps = await run("ps");
  const shown = await run("stacks", "show", "a");
  const sent = await run("send", "b", "GO", "--wait");

  expect(before).toEqual([[], ""]);
  expect(needy).toMatchObject([{ id: "a", needsPerson: true, stalled: { code: "REVISION_LOST" } }]);
  expect(found).toEqual([
    "fail: The stack a cannot continue: its revision is lost.",
    "warn: The yard has no document of other (1 stack): these stacks continue with their stored revisions.",
  ]);
  expect(ps.stderr).toContain("The stack a cannot continue: its revision is lost.");
  expect(shown.stdout).toContain("Its revision is lost");
  expect([sent.exitCode, sent.stderr]).toEqual([0, expect.any(String)]);
});
