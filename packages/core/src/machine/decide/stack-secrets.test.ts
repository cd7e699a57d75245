import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  aMachine,
  aMachineV2,
  anEvent,
  aStack,
  aTemplate,
  play,
  someRules,
  toApplied,
} from "../../testing/builders.ts";
import type { StackEvent } from "../event-message.ts";
import { type Machine, SEMANTICS_V1 } from "../machine.ts";
import { createIsQuoting, createMaskText, maskTexts } from "../mask-text.ts";
import { findSecretRef, isReference, listSecretRefs, maskSecrets, readSecrets, toShownMetadata } from "../secrets.ts";
import type { Stack } from "../stack.ts";
import { decide } from "./decide.ts";
import { listHiddenOutputs, listSecretValues, maskDecision, maskTasks, maskText } from "./stack-secrets.ts";

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
  it("counts every other value, defaults and rules' values among them, and continues after null", () => {
    const versions = (...events: StackEvent[]) => play(machine, ...events).secretVersions;

    expect(versions(anEvent("SET"))).toEqual({ pin: 1 });
    expect(versions(set("one4"), set("one4"), set("two4"))).toEqual({ pin: 1, password: 2 });
    expect(versions(set("one4"), set(null), set("two4"))).toEqual({ pin: 1, password: 2 });
    expect(versions(anEvent("RESET"))).toEqual({ pin: 1, password: 1 });
    expect(versions(anEvent("SET", { metadata: { password: null, pin: null } }))).toBeUndefined();
  });

  it("begins when a later revision declares a key sensitive that has a value", () => {
    const before = aStack({ machineHash: "before", metadata: { password: "one4", pin: null } });
    const { stack } = decideOn(before, anEvent("SET"));

    expect([stack.secretVersions, stack.metadata]).toEqual([{ password: 1 }, { password: "one4", pin: null }]);
  });

  it("takes the value out of what tasks have said when it begins so", () => {
    const tasks = [{ name: "db", status: "ERROR", errorMessage: "no user one4" } as const];
    const before = aStack({ machineHash: "before", metadata: { password: "one4" }, tasks, state: "BUILD" });
    const { stack } = decideOn(before, anEvent("SET"));

    expect(stack.tasks[0]?.errorMessage).toBe("no user ***");
  });

  it("continues when the key is not sensitive in a later revision", () => {
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

  it("that is sent again adds the present references to the earlier ones", () => {
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

  it("is masked anywhere in the texts of a task, also as a number", () => {
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
    const masking = aMachineV2(
      {
        INIT: { on: { GO: ["BUILD"], ASK: [{ set: { k: leaky } }] } },
        BUILD: { tasks: ["db"], on: { NEXT: [{ set: { k: leaky } }] } },
      },
      { metadata: machine.metadata },
    );
    const refused = decide(masking, undefined, { ...set("hunter22", "ASK"), machine: "review-app" });
    const { stack, notes } = decideOn(play(masking, set("hunter22", "GO")), done(), masking);

    expect(refused).toMatchObject({ reason: 'What "ASK" sets in "k" failed: cannot use ***' });
    expect([stack.stalled?.reason, ...notes]).toEqual(Array(2).fill('What "NEXT" sets in "k" failed: cannot use ***'));
  });
});

describe("a masked decision", () => {
  const KEY = "-----BEGIN KEY-----\nMIIEvQIBADANB\n-----END KEY-----";

  const machine = aMachine(
    { INIT: {}, BUILD: { tasks: ["db"] } },
    {
      metadata: someRules({ password: { sensitive: true }, url: {} }),
      tasks: {
        db: {
          outputs: new Map([
            ["password", "pw"],
            ["url", "address"],
          ]),
        },
      },
    },
  );

  describe("the sensitive values of an event", () => {
    it("are those that the stack holds before and after", () => {
      const before = aStack({ metadata: { token: "t-before" }, secretVersions: { token: 1 } });
      const after = aStack({ keptSecrets: { "token#1": "t-before", "tasks.db.outputs.key#1": "k-after" } });

      expect(listSecretValues(machine, [before, undefined, after], anEvent("GO"))).toEqual([
        ...["t-before", "t-before", "k-after"],
      ]);
    });

    it("are those that it brings for keys that its machine declares, or the stack holds, as sensitive", () => {
      const event = anEvent("GO", { metadata: { password: "p-new", token: "t-new", url: "https://x" } });
      const stack = aStack({ metadata: { token: null }, secretVersions: { token: 1 } });

      expect(listSecretValues(machine, [stack], event)).toEqual([null, "p-new", "t-new"]);
    });

    it("are outputs that its worker hides, and those that become sensitive metadata", () => {
      const outputs = { pw: "p-out", address: "https://x", key: "k-out" };
      const event = anEvent("TASK_COMPLETED", { task: { name: "db" }, outputs, sensitiveOutputs: ["key"] });

      expect(listHiddenOutputs(machine, event)).toEqual(["key", "pw"]);
      expect(listSecretValues(machine, [aStack()], event)).toEqual(["k-out", "p-out"]);
      expect(listSecretValues(undefined, [], event)).toEqual(["k-out"]);
    });

    it("are empty when neither machine, stack nor event has sensitive values", () => {
      const event = anEvent("GO", { metadata: { password: "p-new" } });

      expect(listSecretValues(aMachine({ INIT: {} }), [aStack(), undefined], event)).toEqual([]);
    });
  });

  describe("texts of a decision", () => {
    it("quote no line of a value with several", () => {
      expect(maskText([KEY], "bad line: MIIEvQIBADANB")).toBe("bad line: ***");
    });

    it("keep the words true and false, which are not secrets", () => {
      expect(maskText([true, false], "true or false")).toBe("true or false");
    });

    it("are masked in reasons, notes and where a stack is stalled", () => {
      const stalled = { code: "TRANSITION_LOOP", reason: "no p-new" };
      const applied = { kind: "applied", stack: aStack({ stalled }), removed: false } as const;
      const nothing = { dispatches: [], cancels: [], endedAttempts: [], notes: ["a p-new"] };

      expect(maskDecision(["p-new"], { ...applied, ...nothing })).toMatchObject({
        notes: ["a ***"],
        stack: { stalled: { ...stalled, reason: "no ***" } },
      });
      expect(maskDecision(["p-new"], { kind: "ignored", code: "DUPLICATE", reason: "p-new" })).toMatchObject({
        reason: "***",
      });
    });

    it("are masked in what tasks say, and nowhere else in them", () => {
      const task = { name: "p-new", status: "ERROR", errorMessage: "no p-new" } as const;

      expect(maskTasks(["p-new"], [task])).toEqual([{ ...task, errorMessage: "no ***" }]);
      expect(maskTasks([], [task])).toEqual([task]);
    });
  });
});

const holder = {
  metadata: { password: "new", user: "u", token: null },
  secretVersions: { password: 2, token: 1 },
  keptSecrets: { "password#1": "old", "tasks.db.outputs.key#1": "k" },
};

describe("secrets", () => {
  it("shows references in place of sensitive values, and null unchanged", () => {
    expect(toShownMetadata(holder)).toEqual({ password: { $secret: "password#2" }, user: "u", token: null });
  });

  it("shows metadata without sensitive keys unchanged", () => {
    const { metadata } = holder;

    expect(toShownMetadata({ metadata })).toBe(metadata);
    expect(findSecretRef({ metadata }, "password")).toBeUndefined();
  });

  it("reads present and kept values, and leaves out what is gone", () => {
    const refs = ["password#2", "password#1", "tasks.db.outputs.key#1", "password#0", "user#1", "__proto__#1"];

    expect(readSecrets(holder, refs)).toEqual({
      "password#2": "new",
      "password#1": "old",
      "tasks.db.outputs.key#1": "k",
    });
  });

  it.each([
    { $secret: "x#1" },
    { $concat: ["t", { $secret: "x#1" }] },
    { $secret: "x#1", more: 1 },
    { $secret: 3 },
    { more: 1, $concat: "t" },
  ])("takes %j for a reference, and masks it as a whole", (value) => {
    expect(isReference(value)).toBe(true);
    expect(maskSecrets({ a: [value], b: "open" })).toEqual({ a: ["***"], b: "open" });
  });

  it.each([{ secret: "x#1" }, ["$secret"], "$secret", null, {}])("takes %j for no reference", (value) => {
    expect(isReference(value)).toBe(false);
    expect(maskSecrets(value)).toEqual(value);
  });

  it("lists every reference of a value once", () => {
    const value = { a: [{ $secret: "x#1" }], b: { $concat: ["t", { $secret: "y#2" }, { $secret: "x#1" }] } };

    expect(listSecretRefs(value)).toEqual(["x#1", "y#2"]);
  });
});

describe("createMaskText", () => {
  it("masks every occurrence of every value", () => {
    const mask = createMaskText(["hunter22", 987654, "p(.*)w"]);

    expect(mask("hunter22 and hunter22, 987654, p(.*)w, hunter2")).toBe("*** and ***, ***, ***, hunter2");
  });

  it("does not mask values of fewer than four characters, nor values other than texts and numbers", () => {
    const mask = createMaskText(["abc", 123, true, null, undefined, { a: "hunter22", true: true }]);

    expect(mask("abc 123 true null hunter22")).toBe("abc 123 true null ***");
  });

  it("leaves nothing of the longer one of two values that begin alike", () => {
    expect(createMaskText(["hunter", "hunter22"])("hunter22!")).toBe("***!");
  });

  it("masks a value as JSON writes it", () => {
    const value = 'pass"word\\';

    expect(createMaskText([value])(`{"p":${JSON.stringify(value)}}`)).toBe('{"p":"***"}');
  });

  it("masks each line of a value with several", () => {
    const mask = createMaskText(["-----BEGIN KEY-----\nMIIEvQIBADANB\n  abcdefgh\n-----END KEY-----"]);

    expect(["MIIEvQIBADANB", "x abcdefgh x", "}\n"].map(mask)).toEqual(["***", "x *** x", "}\n"]);
  });

  it("masks a value that is mostly blanks, and no blanks alone", () => {
    const mask = createMaskText(["   !", "    "]);

    expect(["a   !b", "a    b"].map(mask)).toEqual(["a***b", "a    b"]);
  });

  it("leaves no value of four characters or more in any text", () => {
    const value = fc.string({ minLength: 4 }).filter((text) => !"***".includes(text.trim()) && !text.includes("*"));
    fc.assert(
      fc.property(value, fc.string(), fc.string(), (secret, before, after) => {
        expect(createMaskText([secret])(`${before}${secret}${after}`)).not.toContain(secret);
      }),
    );
  });
});

describe("createIsQuoting", () => {
  it("finds whole values, bare, in JSON and without the blanks around them", () => {
    const isQuoting = createIsQuoting(["hunter22", 987654, 'a"b\nc d\n']);

    expect(["x hunter22 x", "987654", 'is a"b\nc d', JSON.stringify({ key: 'a"b\nc d\n' })].map(isQuoting)).toEqual([
      ...[true, true, true, true],
    ]);
  });

  it("finds neither lines, nor parts, nor what is short or no text or number", () => {
    const isQuoting = createIsQuoting(["kind: Config\ntoken: hunter22", "abc", true, null, { a: "hunter23" }]);

    expect(["kind: Config", "hunter22", "abc", "true", "null", "hunter23", ""].some(isQuoting)).toBe(false);
  });
});

describe("maskTexts", () => {
  it("masks the texts of a value, however deep, and leaves its keys", () => {
    const mask = createMaskText(["hunter22"]);

    expect(maskTexts(mask, { hunter22: ["a hunter22", { b: "hunter22", c: 4, d: null }] })).toEqual({
      hunter22: ["a ***", { b: "***", c: 4, d: null }],
    });
  });

  it("ends at a value that holds itself", () => {
    const loop: Record<string, unknown> = { text: "hunter22", at: new Date(0) };
    loop["self"] = loop;

    const masked = JSON.stringify(maskTexts(createMaskText(["hunter22"]), loop));

    expect(masked).not.toContain("hunter22");
    expect(masked).toContain('"at":"1970-01-01T00:00:00.000Z"');
  });
});
