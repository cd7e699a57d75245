import { Type } from "typebox";
import { Instant } from "./event.ts";
import type { View } from "./view.ts";

const text = Type.String({ maxLength: 4_096 });

/** A commit, as the code host lists it. Its texts come from its author. */
const Commit = Type.Object({
  id: text,
  subject: Type.String({ maxLength: 4_096, description: "The first line of its message." }),
  author: Type.Optional(text),
  at: Type.Optional(text),
  url: Type.Optional(Type.String({ maxLength: 4_096, description: "Its page at the code host." })),
});

/** The commits that an approval would bring since the last success of its stack. */
export const StackCommits = Type.Object({
  since: Type.Optional(
    Type.Object(
      {
        kind: Type.Enum(["success", "approval"], {
          description: "`approval`: no success is known, so that the last approval of the task counts.",
        }),
        position: Type.Integer({ description: "The line of the history." }),
        at: Instant,
      },
      {
        description:
          "Missing: the stack has neither succeeded nor was the task approved, as far as the history is kept.",
      },
    ),
  ),
  before: Type.Optional(
    Type.String({ maxLength: 64, description: "The commit then. Missing: no commit has changed." }),
  ),
  now: Type.Optional(text),
  compareUrl: Type.Optional(Type.String({ maxLength: 4_096, description: "Where the code host compares them." })),
  commits: Type.Optional(
    Type.Array(Commit, { maxItems: 100, description: "Those that were not there then, the oldest first." }),
  ),
  isCut: Type.Optional(Type.Boolean({ description: "There are more commits." })),
  dropped: Type.Optional(
    Type.Integer({
      description: "How many commits of then are not there now, as after a rollback or a rewritten branch.",
    }),
  ),
  unknown: Type.Optional(Type.String({ maxLength: 4_096, description: "Why they cannot be listed." })),
});
export type StackCommits = View<typeof StackCommits>;
