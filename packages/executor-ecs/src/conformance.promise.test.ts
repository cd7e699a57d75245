import { type ExecutorUnderTest, executorConformance } from "@stackyard/core/testing";
import { describe, it } from "vitest";
import { createEcsExecutor } from "./ecs.ts";
import { createEcsYard, INSTANCE } from "./testing/an-ecs-yard.ts";

function createPort(config: object): () => Promise<ExecutorUnderTest> {
  return async () => {
    const { sim, clock, aws, context } = createEcsYard();
    const { records } = context();
    return {
      executor: createEcsExecutor(),
      restart: createEcsExecutor,
      config: { cluster: "web", taskDefinition: "migrate", ...config },
      invalidConfig: { cluster: "web", ...config },
      context: { clock, aws, records },
      countWork: () => sim.ecs.tasks().length,
    };
  };
}

describe.each([
  ["by RunTask", createPort({})],
  ["by StartTask", createPort({ instances: [INSTANCE] })],
])("ecs, %s", (_, create) => {
  for (const each of executorConformance) it(each.name, () => each.run(create));
});
