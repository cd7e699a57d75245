import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseLines, type RunningCli, runCli, startDev } from "../testing/run-cli.ts";
import { makeTempProject } from "../testing/temp-project.ts";

const MACHINE = `version: 2
events: { OPEN: {} }
states: { INIT: { on: { OPEN: OPENED } }, OPENED: {} }
`;

describe("commands of freezes", () => {
  const { folder: cwd, remove } = makeTempProject({
    "stackyard.config.json": "{}",
    "machines/m.yaml": MACHINE,
  });
  const run = (...words: string[]) => runCli(words, { cwd });
  let dev: RunningCli;
  beforeAll(async () => {
    dev = await startDev(cwd);
    await run("send", "shop-1.42.1", "OPEN", "--machine", "m", "--until", "OPENED");
  });
  afterAll(async () => {
    dev.interrupt();
    await dev.result;
    remove();
  });

  it("start a freeze, let one release pass, list and end it", async () => {
    const start = await run(
      ...["freezes", "start", "winter", "--reason", "Christmas", "--machine", "m"],
      ...["--where", "stack.id != 'x'", "--to", "2999-01-04T08:00:00Z"],
    );
    const again = await run("freezes", "start", "winter", "--reason", "Christmas");
    const except = await run("freezes", "except", "winter", "shop-1.42.1", "--reason", "outage");
    const typo = await run("freezes", "start", "typo", "--reason", "Christmas", "--machine", "tennant");
    await run("freezes", "end", "typo");
    const json = await run("freezes", "ls", "--json");
    const table = await run("freezes", "ls");
    const end = await run("freezes", "end", "winter");
    const none = await run("freezes", "ls");
    const twice = await run("freezes", "end", "winter", "--json");

    expect([start.exitCode, start.stdout]).toEqual([
      0,
      "winter holds new events of releases to stacks of m with stack.id != 'x' until 2999-01-04T08:00:00.000Z.\n",
    ]);
    expect([again.exitCode, again.stderr]).toEqual([1, expect.stringContaining('A freeze "winter" exists already.')]);
    expect([start.stderr, typo.exitCode, typo.stderr]).toEqual([
      expect.not.stringContaining("You see no machine"),
      0,
      expect.stringContaining('You see no machine "tennant". Check its name.'),
    ]);
    expect(except.stdout).toBe("shop-1.42.1 passes the freeze winter.\n");
    expect(parseLines(json.stdout)).toMatchObject([
      { name: "winter", machine: "m", except: [{ release: "shop-1.42.1", reason: "outage" }] },
    ]);
    expect(table.stdout).toMatch(/FREEZE +STACKS[\s\S]*winter +stacks of m with/);
    expect(end.stdout).toContain("winter has ended.");
    expect([none.stdout, none.stderr]).toEqual(["", expect.stringContaining("Nothing is frozen.")]);
    expect(twice.exitCode).toBe(1);
    expect(`${twice.stdout}${twice.stderr}`).toContain("NOT_FOUND");
  });
});
