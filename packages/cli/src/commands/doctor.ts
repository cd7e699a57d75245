import { Type } from "typebox";
import { defineCommand } from "../command.ts";

/** stub */
export const doctor = defineCommand({
  name: "doctor",
  summary: "Stub.",
  examples: [],
  args: Type.Object({}),
  run: () => 0,
});
