import { Type } from "typebox";

/** Options of objects that have no further keys. */
export const closed = { additionalProperties: false };

export const HttpsUrl = Type.String({ pattern: "^https://[^\\s]{1,2000}$", expected: "an HTTPS address" });

/** Requests go to public addresses; networks in `allow` are exceptions. */
export const Http = {
  allow: Type.Optional(
    Type.Array(Type.String({ minLength: 3, maxLength: 64 }), {
      maxItems: 20,
      description: "Networks that are not public and yet allowed, such as 10.1.0.0/16.",
    }),
  ),
};
