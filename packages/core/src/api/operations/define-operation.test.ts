import { type TSchema, Type } from "typebox";
import { describe, expect, it } from "vitest";
import { answer, defineOperation, fieldOf, refusal } from "./define-operation.ts";

const startThing = defineOperation("POST", "/v1/things/:thing", {
  operationId: "startThing",
  permission: "repair",
  subject: "list",
  tag: "things",
  summary: "Start a thing.",
  params: { thing: Type.String({ pattern: "^[a-z]+$" }) },
  body: Type.Object({
    reason: Type.String({ minLength: 1, maxLength: 9 }),
    machine: Type.Optional(Type.String({ maxLength: 5, description: "Default: all machines." })),
  }),
  answers: { 200: answer("Freeze", "The thing."), 404: refusal("NOT_FOUND") },
});

/** The names that a command must be given. */
const requiredOf = (fields: Record<string, TSchema>) => Type.Object(fields).required;

describe("an operation", () => {
  it("has its access in one place, and neither query nor audit unless it names them", () => {
    const { access, query, audited } = startThing;

    expect({ access, query, audited }).toEqual({
      access: { permission: "repair", subject: "list" },
      query: {},
      audited: false,
    });
  });
});

describe("a field of an operation", () => {
  it("keeps its limits and gets the words of its command", () => {
    const field = fieldOf(startThing, "reason", { description: "Why.", short: "r" });

    expect(field).toMatchObject({ type: "string", minLength: 1, maxLength: 9, description: "Why.", short: "r" });
  });

  it("stays optional or required, with or without other words", () => {
    const fields = {
      machine: fieldOf(startThing, "machine", { short: "m" }),
      same: fieldOf(startThing, "machine"),
      reason: fieldOf(startThing, "reason"),
      thing: fieldOf(startThing, "thing"),
    };

    expect(requiredOf(fields)).toEqual(["reason", "thing"]);
  });
});
