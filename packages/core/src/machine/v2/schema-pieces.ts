import { Type } from "typebox";

/** Only the keys that are named. */
export const closed = { additionalProperties: false };

/** A text that holds `${…}`. */
export const Template = Type.String({ pattern: "\\$\\{" });

/** What metadata can hold. */
export const Scalar = Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()]);

/** A key that may be true; it is false where it is left out. */
export function Flag(description: string) {
  return Type.Optional(Type.Boolean({ description }));
}

/** A length of time with its unit. */
export function Duration(description: string) {
  return Type.String({ pattern: "^[1-9][0-9]{0,8}(?:ms|s|m|h|d)$", description });
}

/** A text that is an expression as a whole. */
export function Expression(description: string) {
  return Type.String({ minLength: 1, maxLength: 4096, description });
}
