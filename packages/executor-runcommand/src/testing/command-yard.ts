import { defineExecutor, failed, running, type Step, silentLogger } from "@stackyard/core";
import { createMemoryStore, createStaticLocator, createUlids, startYard, systemClock } from "@stackyard/core/engine";
import { type CommandResult, type RunCommandOptions, runCommand } from "@stackyard/core/testing";
import { openJobs } from "@stackyard/sdk/commands";
import { createServer, type ServerOptions } from "@stackyard/server";
import { Type } from "typebox";
import { createFleetCommands } from "../commands/fleet-commands.ts";
import { RunCommandConfig } from "../definition.ts";
import type { FleetReportPage } from "../report-page.ts";

/** The script of a test's fleet: the pages that it writes and the step that it returns, call by call. */
export interface ScriptedFleet {
  pages: readonly Omit<FleetReportPage, "runId">[];
  answer: Step;
  /** Configs of its runs, in order. */
  readonly started: unknown[];
}

/** The commands over a real server, whose executor does what the test says. */
export interface CommandYard {
  readonly fleet: ScriptedFleet;
  run(name: string, args?: object, options?: RunCommandOptions): Promise<CommandResult>;
  /** Writes the first page of a report, as a task in a machine does. */
  writeReport(runId: string, page: FleetReportPage): Promise<void>;
  stop(): Promise<void>;
}

/** A step that is polled again immediately. */
export const GOES_ON: Step = running({ progress: {}, pollAfterMs: 10, message: "sending" });

/** A console that has only the page of an incident. */
const PAGES: NonNullable<ServerOptions["console"]> = {
  paths: [],
  find: (path) =>
    path === "/incident.html"
      ? { contentType: "text/html", immutable: false, encodings: [], read: () => new TextEncoder().encode(PAGE) }
      : undefined,
};
const PAGE = '<!doctype html><script type="application/json" id="bundle">__BUNDLE__</script>';

/** Makes one. */
export async function createCommandYard(
  cwd = "/",
  pages: NonNullable<ServerOptions["console"]> = PAGES,
): Promise<CommandYard> {
  const fleet: ScriptedFleet = { pages: [], answer: GOES_ON, started: [] };
  const executors = new Map([["runcommand", createScripted(fleet)]]);
  const [store, locator] = [createMemoryStore(), createStaticLocator([])];
  const deps = { store, locator, executors, clock: systemClock, ids: createUlids(), logger: silentLogger };
  const server = createServer({ ...deps, version: "0.0.0" }, { port: 0, allowAnonymous: true, console: pages });
  const { url } = await server.start();
  const yard = startYard(deps, { drainMs: 100 });
  const commands = createFleetCommands((given) => ({ ...openJobs(given), pollMs: 10 }));
  return {
    fleet,
    run: (name, args, options) => runCommand(commands, `fleet ${name}`, args, { cwd, server: { url }, ...options }),
    async writeReport(runId, value) {
      await store.records.put({ key: `job-report/${runId}/0000`, value, expected: "absent", now: Date.now() });
    },
    async stop() {
      await server.stop();
      await yard.stop();
      await store.close();
    },
  };
}

function createScripted(fleet: ScriptedFleet) {
  const step = async (ctx: Parameters<Parameters<typeof defineExecutor>[0]["start"]>[0]): Promise<Step> => {
    for (const [number, page] of fleet.pages.entries()) {
      const key = `job-report/${ctx.stackId}/${String(number).padStart(4, "0")}`;
      const now = ctx.clock.now();
      const expected = (await ctx.records.get(key, now))?.version ?? "absent";
      await ctx.records.put({ key, value: { runId: ctx.stackId, ...page }, expected, now });
    }
    return fleet.answer;
  };
  return defineExecutor({
    name: "runcommand",
    config: RunCommandConfig,
    progress: Type.Unknown(),
    start: (ctx, config) => {
      fleet.started.push(config);
      return step(ctx);
    },
    poll: step,
    cancel: async (ctx) => {
      await step(ctx);
      return failed({ code: "RUN_CANCELLED", message: "The run was cancelled.", retryable: false });
    },
  });
}
