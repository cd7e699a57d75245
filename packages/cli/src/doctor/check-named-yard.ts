import type { Executor } from "@stackyard/core";
import { loadYardRuntime } from "../aws-yard/load-yard-runtime.ts";
import { toYardRuntimeContext } from "../aws-yard/yard-runtime-context.ts";
import type { GivenServer } from "../client/open-server.ts";
import type { CommandContext } from "../command.ts";
import type { ConfigFile } from "../project/config-file.ts";
import { findYard } from "../project/find-yard.ts";
import { loadExecutors } from "../project/load-executors.ts";
import { isAwsYard } from "../project/parse-yards.ts";
import { checkServer } from "./check-server.ts";
import { type Finding, failOf } from "./finding.ts";

/** Which yard is looked at. */
export interface NamedYardInput {
  readonly file: ConfigFile;
  readonly name: string;
  readonly given: GivenServer;
}

/** Looks at a yard of the configuration: on AWS at all that it is made of, else whether its server answers. */
export async function checkNamedYard(
  context: CommandContext,
  { file, name, given }: NamedYardInput,
): Promise<readonly Finding[]> {
  try {
    const yard = findYard(file, name);
    if (!isAwsYard(yard)) return [await checkServer(context, { ...given, yard: name })];
    const runtime = await loadYardRuntime(file.projectDir);
    return await runtime.checkYard(yard, toYardRuntimeContext(context, await findExecutors(file, context.env)));
  } catch (error) {
    return [failOf("yard", error, "Correct `yards` in the configuration.")];
  }
}

/** Those that cannot be loaded are told by the check of the plugins. */
async function findExecutors(file: ConfigFile, env: CommandContext["env"]): Promise<ReadonlyMap<string, Executor>> {
  return loadExecutors(file, "all", env).catch(() => new Map());
}
