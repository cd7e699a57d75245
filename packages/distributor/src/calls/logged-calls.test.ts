import { type Logger, silentLogger } from "@stackyard/core";
import { beforeEach, describe, expect, it } from "vitest";
import { createDistributorWorld, type DistributorWorld } from "../testing/a-distributor-world.ts";
import { onCall } from "./on-call.ts";

const UNKNOWN = { op: "show", name: "billing-api", version: "9" };
const STRANGER = { account: "222233334444", region: "eu-west-1" };

let world: DistributorWorld;
let lines: (readonly [level: string, fields: unknown])[];
beforeEach(() => {
  world = createDistributorWorld();
  lines = [];
});

function ask(request: unknown, records = world.context.records) {
  const note = (level: string) => (_message: string, fields?: unknown) => void lines.push([level, fields]);
  const logger: Logger = { ...silentLogger, info: note("info"), warn: note("warn"), error: note("error") };
  return onCall({ ...world.context, records, logger }, request);
}

describe("a call that is answered with no", () => {
  it.each([
    ["what is not known", UNKNOWN, "NOT_FOUND"],
    ["who is not known", { op: "consumer", ...STRANGER }, "NOT_FOUND"],
  ])("is no error of the function: %s", async (_what, request, code) => {
    expect(await ask(request)).toMatchObject({ kind: "error", code });

    expect(lines).toEqual([["info", expect.objectContaining({ op: request.op, code })]]);
  });

  it("is one when the function has failed", async () => {
    const broken = new Proxy(world.context.records, {
      get() {
        throw new Error("no table");
      },
    });

    expect(await ask(UNKNOWN, broken)).toMatchObject({ kind: "error", code: "INTERNAL" });

    expect(lines).toEqual([["error", { op: "show", error: expect.objectContaining({ message: "no table" }) }]]);
  });
});
