import { Type } from "typebox";

const instant = Type.Integer({ minimum: 0 });

/** The stored form of a `TaskRun`. */
export const StoredRun = Type.Object(
  {
    taskArns: Type.Array(Type.String(), { maxItems: 100 }),
    attempt: Type.Integer({ minimum: 1 }),
    intendedAt: Type.Optional(instant),
    triedAt: Type.Optional(instant),
    startedAt: Type.Optional(instant),
    absence: Type.Optional(Type.Object({ looks: Type.Integer(), lookedAt: instant })),
    ending: Type.Optional(
      Type.Object({
        code: Type.String(),
        message: Type.String(),
        retryable: Type.Boolean(),
        until: instant,
        searchUntil: Type.Optional(instant),
      }),
    ),
  },
  { additionalProperties: false },
);
