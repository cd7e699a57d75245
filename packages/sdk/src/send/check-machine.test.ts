import { StackyardError } from "@stackyard/core";
import { expect, it } from "vitest";
import { checkMachine, type KnownMachines } from "./check-machine.ts";

const UNKNOWN = new StackyardError("MACHINE_UNKNOWN", 'Unknown machine "shopp". Did you mean "shop"?');

/** A yard of which only these operations succeed; the others end with an error. */
function aSource(has: readonly string[], error = UNKNOWN): KnownMachines {
  const answer = async (operation: string) => {
    if (!has.includes(operation)) throw error;
  };
  return { yard: { machines: { get: () => answer("get"), revisions: () => answer("revisions") } } };
}

const check = (source: KnownMachines, machine?: string) => checkMachine(source, { machine });

it("refuses a machine that was never known, with the nearest name and what to do", async () => {
  await expect(check(aSource([]), "shopp")).rejects.toMatchObject({
    code: "MACHINE_UNKNOWN",
    message: 'Unknown machine "shopp". Did you mean "shop"? Nothing was sent.',
    details: { hint: "`stackyard machines ls` lists the machines." },
  });
});

it.each([
  ["a machine of the yard", ["get"]],
  ["one whose document is away, and that has revisions", ["revisions"]],
])("accepts %s", async (_, has) => {
  await expect(check(aSource(has), "shopp")).resolves.toBeUndefined();
});

it("asks for nothing without a machine", async () => {
  await expect(check(aSource([]))).resolves.toBeUndefined();
});

it("lets a sender send that may not read machines", async () => {
  const source = aSource([], new StackyardError("FORBIDDEN", "No."));

  await expect(check(source, "shop")).resolves.toBeUndefined();
});
