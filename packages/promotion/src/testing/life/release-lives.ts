import type { Story } from "@stackyard/core/testing";
import {
  withForeignStacks,
  withoutDeeds,
  withoutFormerNames,
  withoutNewKeys,
  withoutPauses,
} from "./planted-releases.ts";
import { releaseLife } from "./release-life.ts";

const CHECK = "a check that succeeds";

/** The lives of releases: fair, one in which a build fails, and one in which the build of the undo fails. */
export const releaseLives: readonly Story[] = [
  releaseLife({
    name: "release-life",
    failing: [],
    planted: [
      {
        bug: "no rows under the present name of a task are nothing to undo",
        run: { at: "look.rest#4", weather: "the task is renamed" },
        invariant: "said",
        plant: withoutFormerNames,
      },
      {
        bug: "a stack with a new key is not restored",
        run: { at: "look.rest#2", weather: "releases bring a new key" },
        invariant: "back",
        plant: withoutNewKeys,
      },
      {
        bug: "a stack of which a person has set one key is not restored",
        run: { at: "look.rest#4", weather: "one key set by hand, nothing built" },
        invariant: "said",
        plant: withForeignStacks,
      },
      {
        bug: "a retry forgets the pause",
        run: { at: "look.pause#2", weather: "cancelled, and tried again a minute later" },
        invariant: "said",
        plant: withoutPauses,
      },
    ],
  }),
  releaseLife({
    name: "release-life-build-fails",
    failing: [{ stack: "t1", part: "release 1.43.0" }],
    planted: [
      {
        bug: "a check ends the failure of a build",
        run: { at: "look.failed#1", weather: CHECK },
        invariant: "said",
        plant: withoutDeeds,
      },
    ],
  }),
  releaseLife({
    name: "release-life-undo-fails",
    failing: [{ stack: "t1", part: "undo" }],
    planted: [
      {
        bug: "a check ends the failure of an undo",
        run: { at: "look.failed#1", weather: CHECK },
        invariant: "newest",
        plant: withoutDeeds,
      },
    ],
  }),
];
