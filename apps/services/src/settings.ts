import { type EnvironmentVariables, parseEnvironment, VARIABLE_FORMS } from "@stackyard/core/environment";
import { type Static, Type } from "typebox";

/** The variables that the app reads itself, besides those of the yard. */
export const Variables = Type.Object({
  PROJECT_BUCKET: Type.String({
    ...VARIABLE_FORMS.bucket,
    description: "The bucket of the project's files: `stackyard.config.json`, mapping documents, `notifications.yaml`",
  }),
  PROJECT_PREFIX: Type.String({
    description: "The prefix of their keys, such as `project/`",
    pattern: "^([A-Za-z0-9!_.*'()-]+/)*$",
    maxLength: 512,
    expected: "a prefix of keys that ends with a slash",
    default: "",
  }),
});
export type Settings = Static<typeof Variables>;

/** @throws StackyardError `CONFIG_INVALID` that lists all problems, without values. */
export function parseSettings(environment: EnvironmentVariables): Settings {
  return parseEnvironment(Variables, environment, { app: "services" });
}
