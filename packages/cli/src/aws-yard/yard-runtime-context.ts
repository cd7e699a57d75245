import { hostname } from "node:os";
import { type Executor, silentLogger } from "@stackyard/core";
import type { CommandContext } from "../command.ts";
import { createProcessLogger } from "../yard/process-logger.ts";
import type { YardRuntimeContext } from "./load-yard-runtime.ts";

/** This machine, as it looks at a yard on AWS. What slows a yard down is told by `doctor`, not by each command. */
export function toYardRuntimeContext(
  { env, out }: Pick<CommandContext, "env" | "out">,
  executors: ReadonlyMap<string, Executor>,
): YardRuntimeContext {
  return {
    environment: env,
    logger: env["STACKYARD_DEBUG"] ? createProcessLogger({ env, out }) : silentLogger,
    executors: [...executors.values()],
    sessionName: `stackyard-${hostname()}`,
  };
}
