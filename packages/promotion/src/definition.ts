import type { ExecutorDefinition } from "@stackyard/core";
import { deployDefinition } from "./deploy/definition.ts";
import { gateDefinition } from "./gate/definition.ts";

export { deployDefinition, gateDefinition };

/** The definitions of the executors of releases, for engine, validator and editor. */
export const promotionDefinitions: readonly ExecutorDefinition[] = [deployDefinition, gateDefinition];
