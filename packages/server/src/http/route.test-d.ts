import { Type } from "typebox";
import { describe, it } from "vitest";
import { defineRoute, json } from "./route.ts";

const parts = {
  method: "GET",
  path: "/v1/things",
  operationId: "listThings",
  tag: "things",
  summary: "All things.",
  params: { name: Type.String() },
  answers: { 200: { description: "The things." } },
  handle: async () => json(200, {}),
} as const;

describe("a route", () => {
  it("names its permission and what that is about", () => {
    defineRoute({ ...parts, permission: "read", subject: "stack" });
    defineRoute({ ...parts, permission: "signed-in", subject: "none" });
    defineRoute({ ...parts, permission: "public", subject: "none" });
  });

  it("does not compile without either", () => {
    // @ts-expect-error: neither
    defineRoute({ ...parts });
    // @ts-expect-error: without a subject
    defineRoute({ ...parts, permission: "read" });
    // @ts-expect-error: without a permission
    defineRoute({ ...parts, subject: "stack" });
    // @ts-expect-error: which is undefined
    defineRoute({ ...parts, permission: undefined, subject: "stack" });
  });

  it("does not compile with a permission or a subject that does not exist", () => {
    // @ts-expect-error: unknown permission
    defineRoute({ ...parts, permission: "write", subject: "stack" });
    // @ts-expect-error: unknown subject
    defineRoute({ ...parts, permission: "read", subject: "thing" });
  });

  it("does not compile with a permission that nothing checks, or with a subject of a public route", () => {
    // @ts-expect-error: a permission is about something
    defineRoute({ ...parts, permission: "read", subject: "none" });
    // @ts-expect-error: public is about nothing
    defineRoute({ ...parts, permission: "public", subject: "stack" });
  });
});
