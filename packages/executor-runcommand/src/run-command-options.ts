import { type Static, Type } from "typebox";
import { ProfileDefinition } from "./document/profile-definition.ts";

/** Options of the executor `runcommand`. */
export const RunCommandOptions = Type.Object(
  {
    profiles: Type.Optional(
      Type.Record(Type.String({ pattern: "^[a-z][a-z0-9-]{0,62}$" }), ProfileDefinition, {
        description: "Profiles of your own, by name",
      }),
    ),
    reportUrl: Type.Optional(
      Type.String({
        pattern: "^https?://",
        maxLength: 1_000,
        description: "Where reports are shown; `{runId}` stands for the run",
      }),
    ),
  },
  { additionalProperties: false },
);
export type RunCommandOptions = Static<typeof RunCommandOptions>;
