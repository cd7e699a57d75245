import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { runCli } from "../testing/run-cli.ts";

const project = mkdtempSync(join(tmpdir(), "stackyard-local-parts-"));
afterAll(() => rmSync(project, { recursive: true, force: true }));

const MACHINE = `version: 2
events: { LAUNCH: {}, DESTROY: {} }
states:
  INIT: { on: { LAUNCH: UP } }
  UP: { tasks: [network, module, ref, made, lost, unknown], on: { NEXT: no-op, DESTROY: GONE } }
  GONE: { terminal: true }
tasks:
  network: { executor: terraform, config: { action: apply, keep: true, source: { type: local, location: terraform/netwrok } } }
  module: { executor: terraform, config: { action: apply, keep: true, source: { type: local, location: terraform//module } } }
  ref: { executor: terraform, config: { action: apply, keep: true, source: { type: local, location: "terraform/\${stack.id}" } } }
  made: { executor: lambda, config: { name: "make:live" } }
  lost: { executor: lambda, config: { name: lost } }
  unknown: { executor: lambda, config: { name: mak } }
`;

// agentv#1056, batfish#66: a wrong path is found when the work fails, minutes later.
it("validate warns of local sources and functions that the project does not have", async () => {
  mkdirSync(join(project, "machines"));
  mkdirSync(join(project, "terraform/module"), { recursive: true });
  writeFileSync(join(project, "machines/shop.yaml"), MACHINE);
  writeFileSync(join(project, "make.ts"), "export const handler = () => ({});\n");
  const lambda = { mode: "local", functions: { make: "./make.ts:handler", lost: "./lost.ts" } };
  writeFileSync(
    join(project, "stackyard.config.mjs"),
    `export default ${JSON.stringify({ executors: { lambda } })};\n`,
  );

  const { exitCode, stdout } = await runCli(["validate", "--json"], { cwd: project });
  const strict = await runCli(["validate", "--strict"], { cwd: project });

  const { problems } = JSON.parse(stdout);
  expect(problems.map(({ code, line, message }: Record<string, unknown>) => `${line} ${code}: ${message}`)).toEqual([
    '8 source-not-found: There is no "terraform/netwrok" in the project. Correct it, or add it.',
    '12 function-not-found: The function "lost" has no file "./lost.ts" in the project.',
    '13 function-not-found: No local function is named "mak". Did you mean "make"?',
  ]);
  expect(exitCode).toBe(0);
  expect(strict.exitCode).toBe(1);
});
