import type { ExecutorDefinition } from "@stackyard/core";
import type { CommandContext } from "../command.ts";
import { loadConfigFile } from "./config-file.ts";
import { loadExecutors } from "./load-executors.ts";
import type { ExecutorRegistry } from "./machine-words.ts";

/** The definitions of the built-in executors and of those that the plugins of the nearest project bring. */
export async function loadDefinitions(
  { cwd, env }: Pick<CommandContext, "cwd" | "env">,
  project?: string,
): Promise<ExecutorRegistry> {
  const file = await loadConfigFile(cwd, project);
  const [{ terraformDefinition }, { lambdaDefinition }, plugins] = await Promise.all([
    import("@stackyard/executor-terraform/definition"),
    import("@stackyard/executor-lambda/definition"),
    loadExecutors(file, "plugins", env),
  ]);
  const builtIn = [terraformDefinition, lambdaDefinition].map(withoutLimits);
  return new Map([...builtIn.map((definition) => [definition.name, definition] as const), ...plugins]);
}

/** What documents are checked by. Simulations take the limits of the document: `timeout`, else the default of its version. */
function withoutLimits(definition: ExecutorDefinition): ExecutorDefinition {
  const { timeout, cancelWithin, exclusiveKey, ...checks } = definition;
  return checks;
}
