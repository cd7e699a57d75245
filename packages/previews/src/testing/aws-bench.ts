import { type AwsSim, createAwsSim, createSimPlugin } from "@stackyard/aws-sim";
import type { ExecutorContext } from "@stackyard/core";
import { createExecutorContext, createFakeClock } from "@stackyard/core/testing";

export const ACCOUNT = "111122223333";
export const target = { account: ACCOUNT, region: "eu-west-1", partition: "aws" };

/** A simulated AWS, and the context of a task whose target is an account there. */
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
