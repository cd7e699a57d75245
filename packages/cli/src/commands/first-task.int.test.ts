import { chmodSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { runCli, startCli } from "../testing/run-cli.ts";
import { makeTempProject } from "../testing/temp-project.ts";

const MACHINE = `version: 1
events: [OPEN]
states:
  INIT: {on: {OPEN: [{action: advance, state: BUILD}]}}
  BUILD: {tasks: [network]}
tasks:
  network: {executor: terraform, config: {action: apply, source: {type: local, location: network}}}
`;

/** Answers as Terraform where nothing else is installed: the first task then fails at once. */
const PROGRAM = `#!/bin/sh
echo "$1" >> "\${0%/*}/calls"
[ "$1" = version ] && echo "Terraform v1.11.4"
`;

it("reads the version of Terraform when dev starts, so the first task need not", async () => {
  const { folder: cwd, remove } = makeTempProject({
    "stackyard.config.json": '{"executors": {"terraform": {"binary": "bin/terraform"}}}',
    "bin/terraform": PROGRAM,
    "network/main.tf": "",
    "machines/m.yaml": MACHINE,
  });
  chmodSync(join(cwd, "bin/terraform"), 0o755);
  const readCalls = () => {
    const file = join(cwd, "bin/calls");
    return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
  };
  const dev = startCli(["dev", "--port", "0"], { cwd });
  await dev.line((line) => line.includes("Ctrl-C stops"));

  await expect.poll(readCalls).toEqual(["version"]);
  await runCli(["send", "pr-1", "OPEN", "--machine", "m"], { cwd });
  await expect.poll(() => readCalls().length).toBeGreaterThan(1);
  const calls = readCalls();
  dev.interrupt();
  await dev.result;
  remove();

  expect(calls.filter((call) => call === "version")).toEqual(["version"]);
  expect(calls[1]).toBe("init");
});
