import { Type } from "typebox";

/** The argument of commands that look at a project but at no server. */
export const projectArg = {
  project: Type.Optional(
    Type.String({
      placeholder: "dir",
      description: "The project's folder. Default: the nearest with a configuration.",
    }),
  ),
};
