import { describe, expect, it } from "vitest";
import { type CourseInput, toCourse } from "./sim-command.ts";

const course = (input: Partial<CourseInput> = {}) =>
  toCourse({ startAt: 1_000, outcome: {}, onlineAt: 1_000, deliveryMs: 60_000, executionMs: 10_000, ...input });

describe("toCourse", () => {
  it("delivers, runs and succeeds", () => {
    expect(course({ outcome: { deliveredAfterMs: 100, runsForMs: 200, stdout: "a" } })).toEqual({
      deliveredAt: 1_100,
      isDelayed: false,
      endsAt: 1_300,
      end: "Success",
      exitCode: 0,
      stdout: "a",
      stderr: "",
    });
  });

  it("fails with any other exit code", () => {
    expect(course({ outcome: { exitCode: 3 } })).toMatchObject({ end: "Failed", exitCode: 3 });
  });

  it("ends what runs too long", () => {
    const isKilled = { end: "ExecutionTimedOut", exitCode: 137 };

    expect(course({ outcome: { deliveredAfterMs: 0, runsForMs: 10_000 } })).toMatchObject({ end: "Success" });
    expect(course({ outcome: { deliveredAfterMs: 0, runsForMs: 10_001 } })).toMatchObject({
      ...isKilled,
      endsAt: 11_000,
    });
    expect(course({ outcome: { runsForMs: Number.POSITIVE_INFINITY } })).toMatchObject(isKilled);
  });

  it("waits for an agent that is away, up to the delivery timeout", () => {
    expect(course({ onlineAt: 31_000 })).toMatchObject({ isDelayed: true, deliveredAt: 31_500, end: "Success" });
    expect(course({ onlineAt: Number.POSITIVE_INFINITY })).toMatchObject({
      end: "DeliveryTimedOut",
      endsAt: 61_000,
      exitCode: -1,
      isDelayed: true,
    });
  });

  it("reports at once what cannot be delivered", () => {
    expect(course({ outcome: { undeliverable: true } })).toMatchObject({ end: "Undeliverable", exitCode: -1 });
  });
});
