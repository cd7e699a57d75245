import { type ExecutorUnderTest, executorConformance } from "@stackyard/core/testing";
import { describe, it } from "vitest";
import { createGateBench } from "../testing/gate-bench.ts";
import { createGateExecutor } from "./gate.ts";

const WAITS = {
  turn: { config: { turn: { name: "prod" } }, invalidConfig: { turn: {} } },
  soak: { config: { soak: { of: "staging", for: "2h" } }, invalidConfig: { soak: { of: "staging", for: "soon" } } },
  nothing: { config: { artifacts: { api: "1.42.0" } }, invalidConfig: {} },
};

describe.each(Object.entries(WAITS))("gate: %s", (_, { config, invalidConfig }) => {
  const create = async (): Promise<ExecutorUnderTest> => {
    const bench = createGateBench();
    const now = bench.clock.now();
    bench.artifacts.set("api 1.42.0", { covered: true, cells: [] });
    bench.addStack({ id: "shop-staging", metadata: { api: "1.42.0" } });
    const row = { stack: "shop-staging", incarnation: "i1", wave: 0, try: 1, state: "done", at: now } as const;
    await bench.addRows([row], { endedAt: now });
    return {
      executor: createGateExecutor(),
      restart: createGateExecutor,
      config,
      invalidConfig,
      context: bench.toContext(),
      // It begins nothing.
      countWork: () => 1,
    };
  };
  for (const each of executorConformance) it(each.name, () => each.run(create));
});
