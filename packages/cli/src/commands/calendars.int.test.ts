import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../testing/eventually.ts";
import { parseLines, type RunningCli, runCli, startDev } from "../testing/run-cli.ts";
import { makeTempProject } from "../testing/temp-project.ts";

const APP = `version: 2
events: { OPENED: {}, RELEASED: { metadata: [api] } }
metadata: { api: { type: string }, tier: { type: string } }
states: { INIT: { on: { OPENED: LIVE } }, LIVE: { on: { RELEASED: LIVE } } }
`;
const SHOP = `version: 2
events: { RELEASED: { metadata: [api] } }
metadata: { api: { type: string } }
states:
  INIT: { on: { RELEASED: GO } }
  GO: { tasks: [production], on: { NEXT: TAKEN } }
  TAKEN: { tasks: [turn], on: { NEXT: DONE } }
  DONE: {}
tasks:
  turn: { executor: gate, config: { turn: { name: prod } } }
  production:
    executor: deploy
    config: { stacks: prod, event: RELEASED, metadata: { api: "\${metadata.api}" }, until: [LIVE], window: office }
`;
const toCalendar = (closed: string) =>
  `version: 1\nzone: UTC\nopen: [{ days: mon-sun, from: "00:00", to: "00:00" }]\n${closed}`;
const CLOSED = toCalendar("closed: [{ dates: [2000-01-01, 2999-12-31] }]\n");

describe("a project with a calendar", () => {
  const { folder: cwd, remove } = makeTempProject({
    "stackyard.config.json": "{}",
    "machines/app.yaml": APP,
    "machines/shop.yaml": SHOP,
    "calendars/office.yaml": CLOSED,
  });
  const run = (...words: string[]) => runCli(words, { cwd });
  const show = async (stack: string) => parseLines((await run("stacks", "show", stack, "--json")).stdout)[0];
  const release = (stack: string, version: string) =>
    run("send", stack, "RELEASED", "--machine", "shop", "--metadata", `api=${version}`);
  let dev: RunningCli;
  beforeAll(async () => {
    dev = await startDev(cwd);
    await run("send", "prod", "OPENED", "--machine", "app", "--until", "LIVE");
  });
  afterAll(async () => {
    dev.interrupt();
    await dev.result;
    remove();
  });

  it("checks it with calendars check", async () => {
    const closed = await run("calendars", "check", "calendars/office.yaml");
    const json = await run("calendars", "check", "calendars/office.yaml", "--json");
    writeFileSync(join(cwd, "calendars/broken.yaml"), "version: 1\nzone: Nowhere\nopen: []\n");
    const broken = await run("calendars", "check", "calendars/broken.yaml");

    expect([closed.exitCode, closed.stdout]).toEqual([0, expect.stringContaining("Closed at")]);
    expect(parseLines(json.stdout)).toMatchObject([{ valid: true, isOpen: false, zone: "UTC" }]);
    expect([broken.exitCode, broken.stdout]).toEqual([3, expect.stringContaining("FAIL  calendars/broken.yaml")]);
  });

  it("names a window whose calendar is not there, in validate and doctor", async () => {
    expect((await run("validate")).exitCode).toBe(0);
    writeFileSync(join(cwd, "machines/typo.yaml"), SHOP.replace("window: office", "window: ofice"));
    const validated = await run("validate");
    const { stdout } = await run("doctor");
    rmSync(join(cwd, "machines/typo.yaml"));

    expect([validated.exitCode, validated.stdout]).toEqual([
      1,
      expect.stringContaining('Unknown calendar "ofice". Add calendars/ofice.yaml'),
    ]);
    expect(stdout).toContain("Errors in");
  });

  it("lets a release wait while its calendar is closed; a file that has changed counts at once", {
    timeout: 60_000,
  }, async () => {
    await release("shop-1", "1.42.0");
    await eventually(async () => expect(JSON.stringify(await show("shop-1"))).toContain("WINDOW_CLOSED"));
    expect(await show("prod")).toMatchObject({ metadata: {} });

    writeFileSync(join(cwd, "calendars/office.yaml"), toCalendar(""));
    await release("shop-2", "1.43.0");
    await eventually(async () => expect(await show("shop-2")).toMatchObject({ state: "DONE" }));
    expect(await show("prod")).toMatchObject({ metadata: { api: "1.43.0" } });
  });
});
