import type { MachineDetails } from "@stackyard/sdk";
import { describe, expect, it } from "vitest";
import { formatMachine } from "./machines.ts";

const plain = { paint: (_: string, text: string) => text };

const machine: MachineDetails = {
  name: "review-app",
  status: "valid",
  hash: "0123",
  problems: [],
  version: 2,
  revision: "pin",
  events: ["PUSHED", "MERGED"],
  states: [
    { name: "INIT", terminal: false, tasks: [], on: ["PUSHED"], leaving: "wait" },
    {
      name: "LIVE",
      terminal: false,
      tasks: ["app", "db"],
      on: ["MERGED", "TIMEOUT"],
      leaving: "cancel",
      timeoutMs: 2_700_000,
      after: [{ inMs: 259_200_000, event: "MERGED" }],
      protected: true,
      approved: ["sign-off"],
    },
    { name: "GONE", terminal: true, tasks: [], on: [] },
  ],
  tasks: [
    { name: "db", executor: "terraform", target: "preview" },
    { name: "app", executor: "lambda", needs: ["db"] },
  ],
};

describe("formatMachine", () => {
  it("shows what time brings, what is protected, and what waits for what", () => {
    expect(formatMachine(machine, plain)).toBe(
      [
        "review-app  valid  0123",
        "version 2, stacks keep the revision that they began with",
        "events  PUSHED, MERGED",
        "states",
        "  INIT                             on PUSHED",
        "  LIVE (protected)  tasks app, db  on MERGED, TIMEOUT  TIMEOUT after 45m, MERGED after 3d  approved by sign-off  leaving: cancel",
        "  GONE (terminal)",
        "tasks",
        "  db   terraform  target preview",
        "  app  lambda                     needs db",
      ].join("\n"),
    );
  });

  it("says less of a machine that cannot be used", () => {
    const invalid: MachineDetails = { name: "app", status: "invalid", problems: [], events: [], states: [], tasks: [] };

    expect(formatMachine(invalid, plain)).toBe("app  invalid  \nevents  \nstates\n\ntasks\n");
  });
});
