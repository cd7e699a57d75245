import { Type } from "typebox";
import { describe, it } from "vitest";
import { defineRoute, json } from "./route.ts";

const parts = {
  operationId: "listThings",
  tag: "things",
  summary: "All things.",
  params: { name: Type.String() },
  answers: { 200: { description: "The things." } },
  handle: async () => json(200, {}),
} as const;

type Spec = Parameters<typeof defineRoute<typeof parts.params>>[2];
const define = (spec: Spec) => defineRoute("GET", "/v1/things", spec);

describe("a route", () => {
  it("names its permission and what that is about", () => {
    define({ ...parts, permission: "read", subject: "stack" });
    define({ ...parts, permission: "signed-in", subject: "none" });
    define({ ...parts, permission: "public", subject: "none" });
  });

  it("does not compile without either", () => {
    // @ts-expect-error: neither
    define({ ...parts });
    // @ts-expect-error: without a subject
    define({ ...parts, permission: "read" });
    // @ts-expect-error: without a permission
    define({ ...parts, subject: "stack" });
    // @ts-expect-error: which is undefined
    define({ ...parts, permission: undefined, subject: "stack" });
  });

  it("does not compile with a permission or a subject that does not exist", () => {
    // @ts-expect-error: unknown permission
    define({ ...parts, permission: "write", subject: "stack" });
    // @ts-expect-error: unknown subject
    define({ ...parts, permission: "read", subject: "thing" });
  });

  it("does not compile with a permission that nothing checks, or with a subject of a public route", () => {
    // @ts-expect-error: a permission is about something
    define({ ...parts, permission: "read", subject: "none" });
    // @ts-expect-error: public is about nothing
    define({ ...parts, permission: "public", subject: "stack" });
  });
});
