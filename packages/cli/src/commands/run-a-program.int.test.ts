import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { parseLines, runCli, startCli } from "../testing/run-cli.ts";
import { makeSharedStore } from "../testing/shared-store.ts";
import { makeTempProject } from "../testing/temp-project.ts";

const MACHINE = `version: 2
events: { OPENED: {}, CLOSED: {} }
states:
  INIT: { on: { OPENED: WORK } }
  WORK: { tasks: [work], on: { NEXT: LIVE, FAILED: BROKEN } }
  LIVE: { on: { CLOSED: GONE } }
  BROKEN: { on: { CLOSED: GONE } }
  GONE: { terminal: true }
tasks:
  work:
    executor: command
    config: { run: [sh, -c, 'echo "$STACKYARD_STACK $STACKYARD_MACHINE" > ran'] }
`;

const env = { PATH: "/usr/bin:/bin" };

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

function aProject(executors: object = {}) {
  const { files } = makeSharedStore();
  const { folder: cwd, remove } = makeTempProject({
    ...files,
    "stackyard.config.json": JSON.stringify({ store: "./store.mjs", executors }),
    "machines/shop.yaml": MACHINE,
  });
  cleanUps.push(remove);
  return { cwd, read: () => readFileSync(join(cwd, "ran"), "utf8") };
}

async function start(words: readonly string[], cwd: string) {
  const running = startCli([...words, "--port", "0", "--json"], { cwd, env });
  cleanUps.push(() => {
    running.interrupt();
    return running.result;
  });
  await running.line((line) => line.includes('"kind":"ready"'));
}

const send = (cwd: string, timeout = "60s") =>
  runCli(["send", "one", "OPENED", "--machine", "shop", "--until", "LIVE", "--timeout", timeout], { cwd });

describe("a task that runs a program", () => {
  it("runs with dev, and needs a rule on a server, which says so", async () => {
    const { cwd, read } = aProject();
    await start(["dev"], cwd);
    expect(await send(cwd)).toMatchObject({ exitCode: 0 });
    expect(read()).toBe("one shop\n");

    const doctor = await runCli(["doctor", "--json"], { cwd });

    expect(parseLines(doctor.stdout)).toContainEqual(expect.objectContaining({ check: "command", status: "warn" }));
  });

  it("is refused by a server without a rule for it, with the reason", async () => {
    const { cwd } = aProject({ command: { allow: [{ program: "sh", machines: ["web"] }] } });
    await start(["server", "--no-token"], cwd);

    const sent = await send(cwd, "1s");
    const validated = await runCli(["validate"], { cwd });

    const reason = 'This yard does not allow the machine "shop" to run "sh".';
    expect(sent.exitCode).not.toBe(0);
    expect(sent.stderr).toContain(reason);
    expect(validated.stdout + validated.stderr).toContain(reason);
  });

  it("runs on a server with a rule, and doctor finds its program", async () => {
    const { cwd, read } = aProject({ command: { allow: [{ program: "sh" }, { program: "no-such-program" }] } });
    await start(["server", "--no-token"], cwd);
    const worker = startCli(["worker", "--json"], { cwd, env });
    cleanUps.push(() => {
      worker.interrupt();
      return worker.result;
    });

    expect(await send(cwd)).toMatchObject({ exitCode: 0 });
    expect(read()).toBe("one shop\n");
    const first = await runCli(["doctor"], { cwd, env });
    writeFileSync(
      join(cwd, "stackyard.config.json"),
      JSON.stringify({ executors: { command: { allow: [{ program: "sh" }, { program: "./tools/*" }] } } }),
    );
    const second = await runCli(["doctor"], { cwd, env });

    expect(first.stdout).toMatch(/warn +command +Not found: no-such-program\./);
    expect(second.stdout).toMatch(/ok +command +sh$/m);
  });
});
