import { type ExecutorUnderTest, executorConformance } from "@stackyard/core/testing";
import { describe, it } from "vitest";
import { createIdleExecutor } from "./idle.ts";
import { createLeakCheckExecutor } from "./leak-check.ts";
import { createQuotaExecutor } from "./quota.ts";
import { listQuotas } from "./quota-records.ts";
import { createAwsBench, target } from "./testing/aws-bench.ts";

const targetGroup = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/pr-7/0123456789abcdef";
type Port = Pick<ExecutorUnderTest, "restart" | "config" | "invalidConfig">;

const ports: readonly (readonly [string, Port])[] = [
  [
    "idle",
    {
      restart: createIdleExecutor,
      config: { source: "cloudwatch", targetGroup },
      invalidConfig: { source: "cloudwatch" },
    },
  ],
  [
    "leak-check",
    {
      restart: () => createLeakCheckExecutor({ environment: {} }),
      config: { settleFor: "5m" },
      invalidConfig: { settleFor: "soon" },
    },
  ],
];

describe.each(ports)("%s", (_, port) => {
  const create = async (): Promise<ExecutorUnderTest> => {
    const { clock, aws, context } = createAwsBench();
    // It only reads.
    const countWork = () => 1;
    return {
      ...port,
      executor: port.restart(),
      context: { clock, aws, target, records: context.records },
      countWork,
    };
  };
  for (const each of executorConformance) it(each.name, () => each.run(create));
});

describe("quota", () => {
  const create = async (): Promise<ExecutorUnderTest> => {
    const { clock, context } = createAwsBench();
    const { records } = context;
    const restart = () => createQuotaExecutor({ quotas: { team: 1 } });
    return {
      executor: restart(),
      restart,
      config: { holds: [{ key: "team" }] },
      invalidConfig: { holds: [{ key: "" }] },
      context: { clock, records },
      async countWork() {
        let held = 0;
        for await (const { holders } of listQuotas({ records, clock })) held += holders.length;
        return held;
      },
    };
  };
  for (const each of executorConformance) it(each.name, () => each.run(create));
});
