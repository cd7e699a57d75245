import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { failed, type Step } from "../ports/executor.ts";
import { createTrial } from "../testing/trial.ts";

const HEAD = `
version: 2
metadata: { sha: { type: string }, until: { type: number } }
events: { OPENED: {}, PUSHED: {}, SLEEP: {}, WAKE: {}, EXTENDED: {}, RETRY: {}, CLOSED: {} }
`;
const TASKS = `
tasks:
  apply: { executor: work, config: {} }
  destroy: { executor: work, config: {} }
  check: { executor: work, config: {} }
`;
/** The clean-up is a state of its own, and a person repeats it. */
const STEPWISE = `${HEAD}
states:
  INIT: { on: { OPENED: ROLL-OUT } }
  ROLL-OUT: { tasks: [apply], on: { NEXT: LIVE, FAILED: BROKEN } }
  LIVE: { on: { PUSHED: ROLL-OUT, SLEEP: ASLEEP, CLOSED: CLEAN-UP, EXTENDED: no-op } }
  ASLEEP: { on: { WAKE: LIVE, PUSHED: ROLL-OUT, CLOSED: CLEAN-UP, EXTENDED: no-op } }
  BROKEN: { on: { RETRY: ROLL-OUT, PUSHED: ROLL-OUT, CLOSED: CLEAN-UP } }
  CLEAN-UP: { tasks: [destroy], on: { NEXT: CHECKED, FAILED: LEFT } }
  LEFT: { on: { RETRY: CLEAN-UP, CLOSED: CLEAN-UP } }
  CHECKED: { terminal: true, tasks: [check] }
${TASKS}`;
/** Like the template \`previews\`: a close cancels what runs, and a timer repeats a clean-up. */
const CANCELLING = `${HEAD}
states:
  INIT: { on: { OPENED: ROLL-OUT, CLOSED: CLEAN-UP } }
  ROLL-OUT: { leaving: cancel, tasks: [apply], on: { NEXT: LIVE, FAILED: BROKEN, PUSHED: ROLL-OUT, CLOSED: CLEAN-UP } }
  LIVE: { on: { PUSHED: ROLL-OUT, SLEEP: ASLEEP, CLOSED: CLEAN-UP, EXTENDED: no-op, RETRY: ROLL-OUT } }
  ASLEEP: { leaving: wait, tasks: [check], on: { NEXT: no-op, FAILED: BROKEN, WAKE: ROLL-OUT, PUSHED: ROLL-OUT, CLOSED: CLEAN-UP } }
  BROKEN: { on: { RETRY: ROLL-OUT, PUSHED: ROLL-OUT, CLOSED: CLEAN-UP } }
  CLEAN-UP: { leaving: cancel, terminal: true, tasks: [destroy, check], on: { FAILED: LEAKED } }
  LEAKED: { after: [{ in: 1h, event: CLOSED }], on: { CLOSED: CLEAN-UP } }
${TASKS}`;
/** Every state waits for its tasks, and a failed clean-up stays where it is. */
const PATIENT = `${HEAD}
states:
  INIT: { on: { OPENED: ROLL-OUT } }
  ROLL-OUT: { leaving: wait, tasks: [apply], on: { NEXT: LIVE, PUSHED: ROLL-OUT, CLOSED: GONE } }
  LIVE: { on: { PUSHED: ROLL-OUT, CLOSED: GONE, EXTENDED: no-op } }
  GONE: { leaving: wait, terminal: true, tasks: [destroy] }
${TASKS}`;

const MACHINES = { stepwise: STEPWISE, cancelling: CANCELLING, patient: PATIENT };
const NAMES = ["apply", "destroy", "check"] as const;
const MINUTE = 60_000;

/** A change of the pull request, which the sender reports so many times. */
interface Pull {
  readonly kind: "pull" | "push";
  readonly times: number;
  readonly sha: string;
}

/** `pull`: it is opened or closed. `again`: a delivery under its id. */
type Told =
  | Pull
  | { readonly kind: "command"; readonly event: string }
  | { readonly kind: "again"; readonly back: number };

/** `calm`: nothing is held or fails any more, and what has failed is repaired. */
type Op =
  | Told
  | { readonly kind: "wait"; readonly ms: number }
  | { readonly kind: "hold" | "fail"; readonly task: (typeof NAMES)[number] }
  | { readonly kind: "calm" | "revise" };

const sha = fc.constantFrom("a", "b", "c");
const times = fc.integer({ min: 1, max: 2 });
const task = fc.constantFrom(...NAMES);
const op: fc.Arbitrary<Op> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("pull" as const), times, sha }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("push" as const), times, sha }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("command" as const),
      event: fc.constantFrom("SLEEP", "WAKE", "EXTENDED", "RETRY", "RETRY_FAILED_TASKS"),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("again" as const), back: fc.integer({ min: 1, max: 6 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("wait" as const), ms: fc.constantFrom(1_000, MINUTE, 40 * MINUTE) }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom("hold" as const, "fail" as const), task }) },
  { weight: 2, arbitrary: fc.constant({ kind: "calm" as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: "revise" as const }) },
);

/** A yard with one pull request, which an orderly sender reports, in order. */
function createPull(source: string) {
  const held = new Set<string>();
  const failing = new Set<string>();
  const trial = createTrial({
    source,
    engine: { parking: { keepMs: 1_000 * MINUTE } },
    script: ({ task: name }): Step | undefined => {
      if (held.has(name)) return { kind: "running", progress: {}, pollAfterMs: MINUTE, message: "waits" };
      return failing.has(name) ? failed({ code: "NO", message: "no", retryable: false }) : undefined;
    },
  });
  const { yard } = trial;
  const sent: { readonly id: string }[] = [];
  const pull = { isOpen: false, sha: "" };
  let revision = 0;

  async function send(event: string, metadata?: Readonly<Record<string, string>>): Promise<void> {
    const message = { id: `e${sent.length + 1}`, stackId: "s", machine: "app", event, ...(metadata && { metadata }) };
    sent.push(message);
    await yard.publish(message);
    await yard.advance(1);
  }

  async function calm(): Promise<void> {
    held.clear();
    failing.clear();
    await yard.advance(2 * MINUTE);
    // A person repairs what has failed.
    for (let n = 0; n < 3; n += 1) {
      const state = (await yard.findStack("s"))?.state;
      if (state === undefined) break;
      if (state === "BROKEN" || state === "LEFT") await send("RETRY");
      else await yard.publish({ stackId: "s", event: "RETRY_FAILED_TASKS" });
      await yard.advance(62 * MINUTE);
    }
  }

  async function repeat(count: number, ...event: Parameters<typeof send>): Promise<void> {
    for (let n = 0; n < count; n += 1) await send(...event);
  }

  async function flip({ times: count, sha: head }: Pull): Promise<void> {
    pull.isOpen = !pull.isOpen;
    if (!pull.isOpen) return repeat(count, "CLOSED");
    pull.sha = head;
    return repeat(count, "OPENED", { sha: head });
  }

  async function push({ times: count, sha: head }: Pull): Promise<void> {
    if (!pull.isOpen) return;
    pull.sha = head;
    await repeat(count, "PUSHED", { sha: head });
  }

  async function command(event: string): Promise<void> {
    if (event !== "RETRY_FAILED_TASKS") return send(event);
    await yard.publish({ stackId: "s", event });
    await yard.advance(1);
  }

  async function deliverAgain(back: number): Promise<void> {
    const message = sent.at(-back);
    const lines = await yard.listHistory("s");
    const last = lines.findLast(({ eventId }) => eventId === message?.id)?.outcome;
    // One that was dead-lettered may be sent again under its id: its sender has lost it.
    if (message !== undefined && last !== "dead-lettered") await yard.publish(message);
    await yard.advance(1);
  }

  async function tell(each: Told): Promise<void> {
    if (each.kind === "again") return deliverAgain(each.back);
    if (each.kind === "command") return command(each.event);
    return each.kind === "pull" ? flip(each) : push(each);
  }

  async function apply(each: Op): Promise<void> {
    switch (each.kind) {
      case "wait":
        return yard.advance(each.ms);
      case "hold":
        return void held.add(each.task);
      case "fail":
        return void failing.add(each.task);
      case "calm":
        return calm();
      case "revise":
        revision += 1;
        return trial.locator.write("app", `${source}# ${revision}\n`);
      default:
        return tell(each);
    }
  }
  return { ...trial, pull, apply };
}

describe("a stack of a pull request, with any events around its removal", () => {
  it.each(Object.entries(MACHINES))(
    "exists when the pull request is open, with its last commit: %s",
    async (_, source) => {
      await fc.assert(
        fc.asyncProperty(fc.array(op, { minLength: 3, maxLength: 18 }), async (ops) => {
          const { yard, apply, pull, listOutcomes } = createPull(source);
          for (const [n, each] of [...ops, { kind: "calm" } as const].entries()) {
            await apply(each);
            if (each.kind !== "calm") continue;
            const stack = await yard.findStack("s");
            const seen = { at: n, exists: stack !== undefined, sha: stack?.metadata["sha"] };
            expect(seen, (await listOutcomes("s")).join("\n")).toEqual({
              at: n,
              exists: pull.isOpen,
              sha: pull.isOpen ? pull.sha : undefined,
            });
          }
          expect((await yard.findViolations()).filter((each) => !/ (?:is|was) parked /.test(each))).toEqual([]);
        }),
        { numRuns: process.env["LONG_TESTS"] ? 300 : 20 },
      );
    },
  );
});
