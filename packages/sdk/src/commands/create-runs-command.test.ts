import type { CommandOutput } from "@stackyard/core";
import { Type } from "typebox";
import { expect, it } from "vitest";
import { createRunsCommand, openRuns, type RunsContext } from "./create-runs-command.ts";

it("gives a command the runs of its server, and nothing else of what plugins are given", async () => {
  const seen: RunsContext[] = [];
  const out: CommandOutput = { result: () => undefined, progress: () => undefined, note: () => undefined };
  const { signal } = new AbortController();
  const server = { url: "http://yard.test", token: "secret" };
  const opened: unknown[] = [];
  const runs = openRuns(server);
  const command = createRunsCommand(
    {
      name: "ecs run",
      summary: "Run tasks.",
      args: Type.Object({}),
      async run(context) {
        seen.push(context);
        return 0;
      },
    },
    (given) => {
      opened.push(given);
      return { ...runs, pollMs: 10 };
    },
  );
  const folders = { cwd: "/here", projectDir: "/", dataDir: "/" };

  const exitCode = await command.run({ ...folders, environment: {}, yards: {}, server, signal, out }, {});

  expect([exitCode, opened, seen]).toEqual([0, [server], [{ out, cwd: "/here", signal, ...runs, pollMs: 10 }]]);
});
