import { defineMachine } from "@stackyard/core";
import type { DefinedMachine } from "@stackyard/core/machine";
import { describe, expectTypeOf, it } from "vitest";
import { type Publisher, Stackyard } from "./index.ts";

const machine = defineMachine({
  version: 1,
  events: ["LAUNCH", "DESTROY"],
  states: { INIT: { on: { LAUNCH: [{ action: "no-op" }] } } },
  tasks: {},
});

const listed = defineMachine({
  version: 2,
  events: ["LAUNCH", "DOWN"],
  states: {
    INIT: { on: { LAUNCH: "RUN" } },
    RUN: { after: [{ in: "72h", event: "DOWN" }], on: { DOWN: "GONE" } },
    GONE: { terminal: true },
  },
});

const described = defineMachine({
  version: 2,
  events: { LAUNCH: { metadata: ["number"] }, DOWN: {} },
  states: { INIT: { on: { LAUNCH: "no-op", DOWN: "INIT" } } },
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

  it("publishes only the events of a machine of version 2, listed or described", () => {
    const fromList = new Stackyard<typeof listed>({ url: "http://127.0.0.1:7070" });
    const fromMap = new Stackyard<typeof described>({ url: "http://127.0.0.1:7070" });

    void fromList.publish({ stackId: "s", event: "DOWN" });
    // @ts-expect-error the machine has no such event
    void fromList.publish({ stackId: "s", event: "LUNCH" });
    void fromMap.publish({ stackId: "s", event: "LAUNCH" });
    // @ts-expect-error the machine has no such event
    void fromMap.publish({ stackId: "s", event: "LUNCH" });
    expectTypeOf(fromList).toExtend<Publisher<"LAUNCH" | "DOWN">>();
    expectTypeOf(fromMap).toExtend<Publisher<"LAUNCH" | "DOWN">>();
  });

  it("publishes any event when no machine is given", () => {
    void untyped.publish({ stackId: "s", event: "ANYTHING" });
    expectTypeOf(untyped).toExtend<Publisher<string>>();
  });

  it("takes any machine of which nothing else is known", () => {
    const any = new Stackyard<DefinedMachine>({ url: "http://127.0.0.1:7070" });

    void any.publish({ stackId: "s", event: "ANYTHING" });
  });

  it("takes flat metadata only", () => {
    // @ts-expect-error metadata must be flat
    void untyped.publish({ stackId: "s", event: "GO", metadata: { a: { b: 1 } } });
  });
});
