import { watchSim } from "@stackyard/aws-sim";
import { type Story, taskStory } from "@stackyard/core/testing";
import { createLeakCheckExecutor } from "../leak-check.ts";
import { ACCOUNT, createAwsBench } from "./aws-bench.ts";

const TAGS = { "stackyard:yard": "blue", "stackyard:stack": "web", "stackyard:machine": "web" };

/** The search for what a preview has left; what was deleted is listed for some minutes more. */
function leakStory(name: string, isLeft: boolean): Story {
  return taskStory({
    name,
    lie: isLeft ? "succeeded" : "failed",
    async create(sky) {
      const { sim, clock, aws } = createAwsBench();
      const add = (arn: string) => sim.tagging.add({ account: ACCOUNT, region: "eu-west-1", arn, tags: TAGS });
      for (const arn of ["arn:aws:s3:::gone", "arn:aws:s3:::left"]) add(arn);
      sim.tagging.remove("arn:aws:s3:::gone", 3 * 60_000);
      if (!isLeft) sim.tagging.remove("arn:aws:s3:::left");
      watchSim(sim, sky);
      return {
        clock,
        executor: createLeakCheckExecutor({ environment: { YARD_NAME: "blue" } }),
        config: {},
        aws: (type, target) => aws(type, target?.region),
        judge: async ({ state }) => ({
          truth: isLeft ? "failed" : "succeeded",
          begun: {},
          ended: [],
          left: isLeft && state === "LIVE" ? ["a resource that no one is told about"] : [],
          foreign: [],
          views: {},
        }),
      };
    },
    // The check refuses to say what it does not know.
    unknown: ["LEAK_CHECK_DENIED"],
  });
}

/** The stories of the end of previews. */
export const previewStories: readonly Story[] = [
  leakStory("preview-removed", false),
  leakStory("preview-left-behind", true),
];
