import { createAwsSim, createSimPlugin, watchSim } from "@stackyard/aws-sim";
import { createFakeClock, type Decision, type Story, type TaskBench, taskStory } from "@stackyard/core/testing";
import { createLambdaExecutor } from "../lambda.ts";

const PLACE = { account: "111122223333", region: "eu-west-1" } as const;
const RUNS_MS = 60_000;
const ATTEMPTS = 3;

const CALLED_AGAIN: readonly Decision[] = [
  {
    finding:
      /^frozen (2 min|20 h) at (store.claim|Lambda.Invoke|look.worker|store.settle): once: the function began \d times$/,
    reason:
      "Invoke has no idempotency token, so a function whose runner has lost its lease is called again. The README says so.",
  },
];

/** A function that works for a minute, and fails the given times first. */
function lambdaStory(name: string, failures: number): Story {
  return taskStory({
    name,
    // A function that fails each time is called three times in any case.
    ...(failures < ATTEMPTS ? { decisions: CALLED_AGAIN } : { repeatable: ["the function"] }),
    unknown: ["LAMBDA_ANSWER_LOST"],
    async create(sky) {
      // Loaded by the first call otherwise, in real time.
      await import("../invoke-in-aws.ts");
      const clock = createFakeClock();
      const sim = createAwsSim({ clock });
      const done = { begun: 0, failed: 0, succeeded: 0 };
      const handler = async () => {
        done.begun += 1;
        await clock.sleep(RUNS_MS);
        if (done.failed < failures) {
          done.failed += 1;
          throw new Error("no disk");
        }
        done.succeeded += 1;
        return {};
      };
      sim.lambda.addFunction({ ...PLACE, name: "migrate", handler });
      watchSim(sim, sky);
      const plugin = createSimPlugin(sim);
      const credentials = sim.iam.addUser({ account: PLACE.account, name: "runner" });
      const aws: TaskBench["aws"] = (type) => {
        const client = new type({ region: PLACE.region, credentials } as never);
        Object(client).middlewareStack.use(plugin);
        return client;
      };
      return {
        clock,
        executor: createLambdaExecutor(),
        config: { name: "migrate" },
        aws,
        judge: async () => ({
          truth: done.succeeded > 0 ? "succeeded" : "failed",
          // What fails by itself is tried again.
          begun: { "the function": done.begun - done.failed },
          ended: [],
          left: [],
          foreign: [],
          views: {},
        }),
      };
    },
  });
}

/** The stories of functions. */
export const lambdaStories: readonly Story[] = [
  lambdaStory("lambda-succeeds", 0),
  lambdaStory("lambda-fails-once", 1),
  lambdaStory("lambda-fails", ATTEMPTS),
];
