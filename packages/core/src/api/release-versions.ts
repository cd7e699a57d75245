import { Type } from "typebox";
import { StackCommits } from "./commits.ts";
import type { View } from "./view.ts";

const { compareUrl, commits, isCut, dropped, unknown } = StackCommits.properties;

/** Stacks that a release brings from one value of a key to another, and the commits between. */
const ReleaseVersion = Type.Object({
  key: Type.String({ description: "Of the metadata that the release sends." }),
  from: Type.Optional(
    Type.Unknown({
      description: "What the stacks had before the first event, or have now. Missing: the key had none.",
    }),
  ),
  to: Type.Unknown(),
  tasks: Type.Array(Type.String(), { description: "Those that send it, in the order in which states reach them." }),
  stacks: Type.Integer({ minimum: 1, description: "That the caller may read." }),
  compareUrl,
  commits,
  isCut,
  dropped,
  unknown,
});

/** Which versions a release brings to its stacks. */
export const ReleaseVersions = Type.Object({
  versions: Type.Array(ReleaseVersion, {
    maxItems: 5,
    description:
      "By what the tasks have sent, and by the last plan of what they have not. What was undone, or is neither sent nor planned, is missing.",
  }),
  more: Type.Integer({
    minimum: 0,
    description: "Further ones, with fewer stacks of the same tasks or of later tasks.",
  }),
});
export type ReleaseVersions = View<typeof ReleaseVersions>;
