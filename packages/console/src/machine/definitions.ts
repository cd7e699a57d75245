import type { ExecutorDefinition } from "@stackyard/core";
import { approvalDefinition } from "@stackyard/core/machine";
import type { JsonSchema, KnownExecutor } from "./messages.ts";

/**
 * The executors that Stackyard contains, with the rules that the command line checks their configs by. The rules of one are
 * loaded when a machine uses it.
 */
const LOADERS: Readonly<Record<string, () => Promise<ExecutorDefinition>>> = {
  approval: async () => approvalDefinition,
  asg: async () => (await import("@stackyard/executor-asg/definition")).asgDefinition,
  command: async () => (await import("@stackyard/executor-command/definition")).commandDefinition,
  deploy: async () => (await import("@stackyard/promotion/definition")).deployDefinition,
  ecs: async () => (await import("@stackyard/executor-ecs/definition")).ecsDefinition,
  gate: async () => (await import("@stackyard/promotion/definition")).gateDefinition,
  lambda: async () => (await import("@stackyard/executor-lambda/definition")).lambdaDefinition,
  runcommand: async () => (await import("@stackyard/executor-runcommand/definition")).runCommandDefinition,
  terraform: async () => (await import("@stackyard/executor-terraform/definition")).terraformDefinition,
};

/** Loads all of them with the schemas of their configs, for an editor without a yard. */
export async function loadOwnExecutors(): Promise<readonly KnownExecutor[]> {
  const definitions = await Promise.all(Object.values(LOADERS).map((load) => load()));
  return definitions.map(({ name, config, documentSchemas }) => ({
    name,
    config: toJson(config),
    ...(documentSchemas && {
      documents: { v1: toJson(documentSchemas.v1 ?? { not: {} }), v2: toJson(documentSchemas.v2) },
    }),
  }));
}

/**
 * Loads the definition of an executor, with its own checks, if the yard has the same one: a yard may have another version,
 * or an executor of its own by this name.
 */
export async function loadDefinition({ name, config }: KnownExecutor): Promise<ExecutorDefinition | undefined> {
  if (config === undefined || !Object.hasOwn(LOADERS, name)) return undefined;
  const own = await LOADERS[name]?.();
  return own !== undefined && JSON.stringify(own.config) === JSON.stringify(config) ? own : undefined;
}

/** Returns a schema without its functions, which cannot be posted. */
export function toJson(schema: object): JsonSchema {
  return JSON.parse(JSON.stringify(schema)) as JsonSchema;
}
