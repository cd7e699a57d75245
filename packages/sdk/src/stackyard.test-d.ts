import { defineMachine } from "@stackyard/core";
import { describe, expectTypeOf, it } from "vitest";
import { type Publisher, Stackyard } from "./index.ts";

const machine = defineMachine({
  version: 1,
  events: ["LAUNCH", "DESTROY"],
  states: { INIT: { on: { LAUNCH: [{ action: "no-op" }] } } },
  tasks: {},
});

const typed = new Stackyard<typeof machine>({ url: "http://127.0.0.1:7070" });
const untyped = new Stackyard({ url: "http://127.0.0.1:7070" });

describe("Stackyard", () => {
  it("publishes only the machine's events", () => {
    void typed.publish({ stackId: "s", event: "LAUNCH" });
    // @ts-expect-error the machine has no such event
    void typed.publish({ stackId: "s", event: "LUNCH" });
    // @ts-expect-error the machine has no such event
    void typed.publishMany([{ stackId: "s", event: "LUNCH" }]);
    expectTypeOf(typed).toExtend<Publisher<"LAUNCH" | "DESTROY">>();
  });

  it("publishes any event when no machine is given", () => {
    void untyped.publish({ stackId: "s", event: "ANYTHING" });
  });

  it("takes flat metadata only", () => {
    // @ts-expect-error a nested value is no metadata
    void untyped.publish({ stackId: "s", event: "GO", metadata: { a: { b: 1 } } });
  });
});
