import { describe, expect, it } from "vitest";
import { aMachineV2, anEvent, aStack, someRules } from "../../testing/builders.ts";
import { aTemplate } from "../../testing/expressions.ts";
import { play, toApplied } from "../../testing/play.ts";
import type { StackEvent } from "../event-message.ts";
import { type Machine, SEMANTICS_V1 } from "../machine.ts";
import { readSecrets } from "../secrets.ts";
import type { Stack } from "../stack.ts";
import { decide } from "./decide.ts";

const machine = aMachineV2(
  {
    INIT: { on: { GO: ["BUILD"], SET: [], RESET: [{ set: { password: aTemplate(() => "made by a rule") } }] } },
    BUILD: { tasks: ["db"], on: { SET: [], NEXT: ["INIT"], FAILED: [] } },
  },
  {
    metadata: someRules({ password: { sensitive: true }, pin: { sensitive: true, default: 1234 } }),
    tasks: {
      db: {
        dynamicConfig: {
          template: aTemplate((_scope, findSecret) => ({ $secret: findSecret({ kind: "metadata", key: "password" }) })),
          findFault: () => undefined,
          findTimeoutMs: () => undefined,
        },
      },
    },
  },
);
const set = (password: unknown, name = "SET") => anEvent(name, { metadata: { password } });
const done = (event: Partial<StackEvent> = {}) => anEvent("TASK_COMPLETED", { task: { name: "db" }, ...event });
const decideOn = (stack: Stack, event: StackEvent, on: Machine = machine) => toApplied(decide(on, stack, event));

describe("the version of a sensitive key", () => {
  it("counts every value, defaults and rules' values among them, and goes on after null", () => {
    const versions = (...events: StackEvent[]) => play(machine, ...events).secretVersions;

    expect(versions(anEvent("SET"))).toEqual({ pin: 1 });
    expect(versions(set("one4"), set("one4"), set("two4"))).toEqual({ pin: 1, password: 3 });
    expect(versions(set("one4"), set(null), set("two4"))).toEqual({ pin: 1, password: 2 });
    expect(versions(anEvent("RESET"))).toEqual({ pin: 1, password: 1 });
    expect(versions(anEvent("SET", { metadata: { password: null, pin: null } }))).toBeUndefined();
  });

  it("begins when a later revision declares a key sensitive that has a value", () => {
    const { stack } = decideOn(aStack({ metadata: { password: "one4", pin: null } }), anEvent("SET"));

    expect([stack.secretVersions, stack.metadata]).toEqual([{ password: 1 }, { password: "one4", pin: null }]);
  });

  it("takes the value out of what tasks have said when it begins so", () => {
    const tasks = [{ name: "db", status: "ERROR", errorMessage: "no user one4" } as const];
    const { stack } = decideOn(aStack({ metadata: { password: "one4" }, tasks, state: "BUILD" }), anEvent("SET"));

    expect(stack.tasks[0]?.errorMessage).toBe("no user ***");
  });

  it("goes on when a later revision does not call the key sensitive any more", () => {
    const open = { ...machine, metadata: someRules({}) };

    expect(decideOn(play(machine, set("one4")), set("two4"), open).stack.secretVersions).toEqual({
      pin: 1,
      password: 2,
    });
  });
});

describe("a task's message", () => {
  const sent = decideOn(play(machine, set("one4")), anEvent("GO"));

  it("has references in config and metadata, which attempt and run list", () => {
    const [dispatch] = sent.dispatches;

    expect(dispatch?.message.task["config"]).toEqual({ $secret: "password#1" });
    expect(dispatch?.message.stack.metadata).toEqual({
      pin: { $secret: "pin#1" },
      password: { $secret: "password#1" },
    });
    expect([dispatch?.secrets, sent.stack.runs[0]?.secrets]).toEqual([
      ["password#1", "pin#1"],
      ["password#1", "pin#1"],
    ]);
  });

  it("finds the values that it was sent with, also when others were set since", () => {
    const { stack } = decideOn(decideOn(sent.stack, set("two4")).stack, set(null));

    expect(stack.keptSecrets).toEqual({ "password#1": "one4" });
    expect(readSecrets(stack, ["password#1", "password#2", "pin#1"])).toEqual({ "password#1": "one4", "pin#1": 1234 });
  });

  it("lets go of earlier values with the last run that was sent with them", () => {
    const { stack } = decideOn(decideOn(sent.stack, set("two4")).stack, done());

    expect("keptSecrets" in stack).toBe(false);
  });

  it("that is sent again adds the present references to those of before", () => {
    const changed = decideOn(sent.stack, set("two4")).stack;

    const { stack, dispatches } = decideOn(changed, anEvent("RETRY_PENDING_TASKS"));

    const refs = ["password#1", "pin#1", "password#2"];
    expect([dispatches[0]?.secrets, stack.runs[0]?.secrets]).toEqual([refs, refs]);
    expect(stack.keptSecrets).toEqual({ "password#1": "one4" });
  });

  it("carries values where the machine sends them in messages", () => {
    const old = {
      ...machine,
      semantics: SEMANTICS_V1,
      tasks: new Map([["db", { ...machine.tasks.get("db") }]]),
    } as Machine;
    const stack = play(machine, set("one4"));
    const plain = {
      ...old,
      tasks: new Map([...machine.tasks].map(([name, { dynamicConfig, ...task }]) => [name, task])),
    };

    const { dispatches } = decideOn(stack, anEvent("GO"), plain);

    expect(dispatches[0]?.message.stack.metadata).toEqual({ pin: 1234, password: "one4" });
    expect(dispatches[0]?.secrets).toBeUndefined();
  });
});

describe("a sensitive value in a text", () => {
  const secretive = play(machine, set("hunter22"), anEvent("GO"));
  const failed = (description: string, event: Partial<StackEvent> = {}) =>
    anEvent("TASK_ERROR", { task: { name: "db" }, description, ...event });
  const messageAfter = (event: StackEvent) => decideOn(secretive, event).stack.tasks[0]?.errorMessage;

  it("is masked wherever it stands in what a task says, numbers too", () => {
    expect(messageAfter(failed("login hunter22@db with hunter22, pin 1234"))).toBe("login ***@db with ***, pin ***");
  });

  it("is masked when the failure itself has brought it", () => {
    const brought = failed("bad: fresh567 and out-put", {
      metadata: { password: "fresh567" },
      outputs: { token: "out-put" },
      sensitiveOutputs: ["token"],
    });

    expect(messageAfter(brought)).toBe("bad: *** and ***");
  });

  it("is masked in the form that JSON gives it", () => {
    const stack = play(machine, set('a"b\nc'), anEvent("GO"));

    expect(decideOn(stack, failed('{"p":"a\\"b\\nc"}')).stack.tasks[0]?.errorMessage).toBe('{"p":"***"}');
  });

  it("is masked in what a task said before the value was set", () => {
    const stack = decideOn(secretive, failed("later890 is wrong")).stack;

    const { stack: after, dispatches } = decideOn(stack, set("later890", "RETRY_FAILED_TASKS"));

    expect(dispatches[0]?.message.stack.tasks[0]?.errorMessage).toBe("*** is wrong");
    expect(JSON.stringify(after.tasks)).not.toContain("later890");
  });

  it("is masked in what another task said before it became an output", () => {
    const two = aMachineV2({ INIT: { on: { GO: ["BUILD"] } }, BUILD: { tasks: ["db", "app"] } });
    const brought = { task: { name: "app" }, outputs: { token: "later890" }, sensitiveOutputs: ["token"] };

    const stack = play(two, anEvent("GO"), failed("later890 is wrong"), anEvent("TASK_COMPLETED", brought));

    expect(stack.tasks[0]?.errorMessage).toBe("*** is wrong");
  });

  it("is left alone when it has fewer than four characters", () => {
    const stack = play(machine, set("abc"), anEvent("GO"));

    expect(decideOn(stack, failed("abc")).stack.tasks[0]?.errorMessage).toBe("abc");
  });

  it("is masked in the reason that a person gives for a removal", () => {
    const remove = anEvent("REMOVE_STACK", { force: true, reason: "hunter22 leaked" });

    expect(decideOn(secretive, remove).notes[0]).toBe('Removed by force in state "BUILD": *** leaked');
  });

  it("is masked in reasons of refusals and stalls, and in notes", () => {
    const leaky = aTemplate(() => {
      throw new Error("cannot use hunter22");
    });
    const tell = aMachineV2(
      {
        INIT: { on: { GO: ["BUILD"], ASK: [{ set: { k: leaky } }] } },
        BUILD: { tasks: ["db"], on: { NEXT: [{ set: { k: leaky } }] } },
      },
      { metadata: machine.metadata },
    );
    const refused = decide(tell, undefined, { ...set("hunter22", "ASK"), machine: "review-app" });
    const { stack, notes } = decideOn(play(tell, set("hunter22", "GO")), done(), tell);

    expect(refused).toMatchObject({ reason: 'What "ASK" sets in "k" failed: cannot use ***' });
    expect([stack.stalled?.reason, ...notes]).toEqual(Array(2).fill('What "NEXT" sets in "k" failed: cannot use ***'));
  });
});
