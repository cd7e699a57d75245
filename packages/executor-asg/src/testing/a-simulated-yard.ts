import { setImmediate } from "node:timers/promises";
import { createSimYard, type SimYard } from "@stackyard/aws-sim";
import { silentLogger } from "@stackyard/core";
import { createStaticLocator, createUlids } from "@stackyard/core/engine";
import { createRandom } from "@stackyard/core/testing";
import { createServer } from "@stackyard/server";
import { createAsgExecutor } from "../asg.ts";
import { PRESETS, type ReleaseConstants } from "../release-constants.ts";
import { type CommandResult, type CommandWorld, createCommandWorld } from "./a-command-world.ts";
import { TARGET } from "./a-release.ts";
import { addResources } from "./a-release-world.ts";

/** The commands over a real server, whose executor releases into a simulated account. */
export interface SimulatedYard {
  readonly yard: SimYard;
  readonly commands: CommandWorld;
  /** Runs a command while the yard's time passes. */
  run(name: string, args: object): Promise<CommandResult>;
  stop(): Promise<void>;
}

const LOOK_MS = 5_000;

/** Makes one. */
export async function startSimulatedYard(
  constants: ReleaseConstants = PRESETS.stackyard,
  services: readonly string[] = ["web", "worker"],
): Promise<SimulatedYard> {
  const executor = createAsgExecutor({ random: createRandom(5) });
  const { account, region } = TARGET;
  const yard = createSimYard({ account, region, executors: [executor] });
  addResources(yard.sim, { constants, services, slowStartSeconds: 0 });
  const { store, clock } = yard;
  const deps = { store, clock, ids: createUlids(), logger: silentLogger, locator: createStaticLocator([]) };
  const server = createServer(
    { ...deps, executors: new Map([["asg", executor]]), version: "0.0.0" },
    { port: 0, allowAnonymous: true, limits: { outcomeMs: 1 } },
  );
  const { url } = await server.start();
  // A look is a request that really travels.
  const sleep = (ms: number, signal?: AbortSignal) => clock.sleep(Math.max(ms, LOOK_MS), signal);
  const commands = createCommandWorld({ clock: { ...clock, now: () => clock.now(), sleep }, pollMs: 10 }, url);
  return {
    yard,
    commands,
    async run(name, args) {
      let isOver = false;
      const running = commands.run(name, args).finally(() => {
        isOver = true;
      });
      // It is awaited below.
      running.catch(() => undefined);
      while (!isOver) {
        await yard.advance(1_000);
        await setImmediate();
      }
      return running;
    },
    async stop() {
      commands.remove();
      await server.stop();
    },
  };
}
