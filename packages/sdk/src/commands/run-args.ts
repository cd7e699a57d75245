import { Type } from "typebox";

/** A run that was started, as the command of this name has printed it. */
export function toRunArg(command: string) {
  return Type.String({
    pattern: "^[A-Za-z0-9-]{1,64}$",
    expected: "letters, digits and -, at most 64",
    description: `As \`${command}\` prints it.`,
  });
}

/** The caller's own key of a run. */
export const keyArg = Type.Optional(
  Type.String({
    minLength: 1,
    maxLength: 255,
    placeholder: "text",
    description: "A name of yours for this run: a repeat finds it and starts no other.",
  }),
);

/** Arguments of commands that follow what people call so, such as a `run`. */
export function toFollowArgs(what: string) {
  return {
    detach: Type.Optional(Type.Boolean({ description: "Do not wait for the end." })),
    giveUpAfter: Type.Optional(
      Type.String({
        pattern: "^[1-9][0-9]{0,8}(s|m|h|d)$",
        expected: "a whole number and s, m, h or d, such as 30m",
        placeholder: "length",
        description: `Wait so long, such as 30m; the ${what} goes on (exit code 4). Default: until it has ended.`,
      }),
    ),
  };
}
