import { withContext } from "@stackyard/aws-sim";
import type { ExecutorContext } from "@stackyard/core";
import { parseMachine } from "@stackyard/core/machine";
import { createSimulator, type Simulator } from "@stackyard/core/testing";
import { createEcsExecutor } from "@stackyard/executor-ecs";
import { createLambdaExecutor } from "@stackyard/executor-lambda";
import { createSimulatedAccount, type SimulatedAccount } from "./simulated-account.ts";

/** The machine in a yard in virtual time, over a simulated account. */
export interface SimulatedYard extends SimulatedAccount {
  readonly yard: Simulator;
}

/** Creates a yard in which a minute passes at once. `report` receives the output of tasks, line by line. */
export function createSimulatedYard(source: string, report: (line: string) => void): SimulatedYard {
  const executors = [createEcsExecutor(), createLambdaExecutor({ mode: "aws" })];
  const registry = new Map(executors.map((executor) => [executor.name, executor]));
  const { machine, problems } = parseMachine(source, { name: "release", executors: registry });
  if (machine === undefined) throw new Error(problems.map(({ message }) => message).join("\n"));
  const world: { account?: SimulatedAccount } = {};
  const within = (ctx: ExecutorContext): ExecutorContext => ({
    ...ctx,
    aws: (type) => world.account?.aws(type) ?? ctx.aws(type),
    report: (line) => report(`${ctx.task}: ${line}`),
  });
  const yard = createSimulator({
    machines: [{ machine, source }],
    executors: executors.map((executor) => withContext(executor, within)),
  });
  const account = createSimulatedAccount(yard.clock);
  world.account = account;
  return { ...account, yard };
}
