import { Type } from "typebox";
import { Instant } from "./event.ts";
import type { View } from "./view.ts";

const text = Type.String({ maxLength: 1_024 });

/** Where releases are deployed to: what runs there, and who has locked it. */
export const ReleasePlace = Type.Object({
  account: text,
  region: text,
  project: text,
  config: text,
  running: Type.Optional(
    Type.Object(
      {
        releaseId: text,
        revision: Type.Optional({ ...text, description: "What was deployed, such as a commit." }),
        since: Type.String({ format: "date-time", description: "When the release ended." }),
        user: Type.Optional({ ...text, description: "Who deployed it, as the one who sent it said." }),
        stackId: Type.String({ maxLength: 255, description: "The job, or the stack, that deployed it." }),
      },
      { description: "The last release that succeeded. Missing: none since the yard keeps these records." },
    ),
  ),
  lock: Type.Optional(
    Type.Object(
      { user: { ...text, description: "As the command line of that person said." }, reason: text, since: Instant },
      { description: "A person has locked it for releases." },
    ),
  ),
  updatedAt: Instant,
});
export type ReleasePlace = View<typeof ReleasePlace>;
