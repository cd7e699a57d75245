import { type AwsSim, createAwsSim, createSimPlugin } from "@stackyard/aws-sim";
import type { ExecutorContext, PluginService } from "@stackyard/core";
import type { YardServicesDeps } from "@stackyard/core/services";
import { createExecutorContext, createFakeClock } from "@stackyard/core/testing";
import { createPreviewsBench } from "./previews-bench.ts";

export const ACCOUNT = "111122223333";
export const target = { account: ACCOUNT, region: "eu-west-1", partition: "aws" };

/** Creates a simulated AWS, and the context of a task with an account there as its target. */
export function createAwsBench({ allow = ["*"] }: { readonly allow?: readonly string[] } = {}) {
  const clock = createFakeClock();
  const sim: AwsSim = createAwsSim({ clock });
  const credentials = sim.iam.addUser({ account: ACCOUNT, name: "runner", allow });
  const aws: ExecutorContext["aws"] = (type, region = target.region) => {
    const client = new type({ region, credentials, maxAttempts: 1 } as never);
    Object(client).middlewareStack.use(createSimPlugin(sim));
    return client;
  };
  return { clock, sim, aws, context: createExecutorContext({ clock, aws, target }) };
}

/** Creates a yard in virtual time with services that call a simulated AWS; accounts in `denied` allow nothing. */
export function createServiceBench({ source, service }: { readonly source: string; readonly service: PluginService }) {
  const denied = new Set<string>();
  const aws: YardServicesDeps["aws"] = {
    client(type, to) {
      const allow = denied.has(to?.account ?? "") ? ["s3:*"] : ["*"];
      const credentials = sim.iam.addUser({ account: to?.account ?? "", name: `u${sim.calls.length}`, allow });
      const client = new type({ region: to?.region, credentials, maxAttempts: 1 } as never);
      Object(client).middlewareStack.use(createSimPlugin(sim));
      return client;
    },
  };
  const bench = createPreviewsBench({ source, executors: [], services: [service], aws });
  const sim = createAwsSim({ clock: bench.clock });
  return { ...bench, sim, denied };
}
