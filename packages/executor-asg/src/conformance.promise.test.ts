import { type ExecutorUnderTest, executorConformance } from "@stackyard/core/testing";
import { describe, it } from "vitest";
import { createAsgExecutor } from "./asg.ts";
import { TARGET } from "./testing/builders.ts";
import { aTaskConfig, createAsgYard } from "./testing/yards.ts";

async function createPort(): Promise<ExecutorUnderTest> {
  const { world, aws, records, groups } = createAsgYard();
  return {
    executor: createAsgExecutor(),
    restart: () => createAsgExecutor(),
    config: aTaskConfig(),
    invalidConfig: { release: "web" },
    context: { clock: world.clock, aws, records, target: TARGET },
    countWork: () => groups().length,
  };
}

describe("asg", () => {
  for (const each of executorConformance) it(each.name, () => each.run(createPort));
});
