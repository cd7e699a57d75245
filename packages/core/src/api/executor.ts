import { Type } from "typebox";
import type { View } from "./view.ts";

const JsonSchema = Type.Record(Type.String(), Type.Unknown());

/** An executor of the yard with the schemas of its tasks' config and outputs. */
export const ExecutorDetails = Type.Object({
  name: Type.String(),
  resumable: Type.Boolean({ description: "False: an attempt runs to its end in one process." }),
  config: { ...JsonSchema, description: "JSON Schema of the config that the executor receives." },
  outputs: Type.Optional({ ...JsonSchema, description: "JSON Schema of the outputs of a task that succeeded." }),
  documents: Type.Optional(
    Type.Object(
      { v1: JsonSchema, v2: JsonSchema },
      {
        description:
          "JSON Schemas of the config in machines of the two versions, where expressions may stand. Without it, `config` applies.",
      },
    ),
  ),
});
export type ExecutorDetails = View<typeof ExecutorDetails>;
