// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of machines, in plain strings.
import type { NameKind, Operation, ReactionPlace } from "../operation.ts";
import { findReferences } from "../references.ts";
import { allEntries, mapAt, readSource, valueAt } from "../source.ts";
import type { Random } from "./random.ts";

interface Names {
  readonly state: readonly string[];
  readonly event: readonly string[];
  readonly task: readonly string[];
  readonly metadata: readonly string[];
  readonly target: readonly string[];
  readonly reactions: readonly (ReactionPlace & { readonly count: number | undefined })[];
  readonly timers: readonly { readonly state: string; readonly index: number }[];
}

function readNames(text: string): Names {
  const source = readSource(text.replace(/^\uFEFF/, ""));
  const declared = findReferences(source).filter(({ declares }) => declares);
  const of = (kind: NameKind) => declared.flatMap(({ what, name }) => (what === kind ? [name] : []));
  const states = mapAt(source.root, "states");
  const entries = states === undefined ? [] : allEntries(states);
  return {
    state: of("state"),
    event: of("event"),
    task: of("task"),
    metadata: of("metadata"),
    target: of("target"),
    reactions: entries.flatMap(({ key: state, value }) => {
      const on = mapAt(value, "on");
      return (on === undefined ? [] : allEntries(on)).map(({ key: event, value: reaction }) => ({
        state,
        event,
        count: reaction.kind === "list" ? reaction.items.length : undefined,
      }));
    }),
    timers: entries.flatMap(({ key: state, value }) => {
      const after = valueAt(value, "after");
      return after?.kind === "list" ? after.items.map((_, index) => ({ state, index })) : [];
    }),
  };
}

const KINDS = ["state", "event", "task", "metadata", "target"] as const;

/** Draws an edit of a document; most are possible there. Undefined where the drawn kind has nothing to work on. */
export function drawOperation(random: Random, text: string): Operation | undefined {
  const names = readNames(text);
  const kinds = [drawName, drawReaction, drawKey, drawRemoval];
  return random.pick(kinds)(random, names);
}

function some(random: Random, names: readonly string[]): string | undefined {
  return names.length === 0 ? undefined : random.pick(names);
}

/** What a timer can have one of, with `zone`, which only one of them has. */
const TIMES = { in: "1h", at: "${metadata.url}", cron: "0 3 * * *" } as const;

function drawTime(random: Random, timer: { readonly state: string; readonly index: number }): Operation {
  const key = random.pick(["in", "at", "cron"] as const);
  const path = ["states", timer.state, "after", timer.index, key];
  const instead = ["in", "at", "cron", "zone"].filter((each) => each !== key && !(each === "zone" && key === "cron"));
  return { kind: "choose-key", path, value: TIMES[key], instead };
}

const NEW_NAMES = ["NEW", "NEW-1", "123", "TRUE", "A_B"];

function drawName(random: Random, names: Names): Operation | undefined {
  const what = random.pick(KINDS);
  const name = some(random, names[what]);
  switch (random.below(4)) {
    case 0:
      return {
        kind: "add-state",
        name: random.pick(NEW_NAMES),
        ...(random.chance(0.5) && { after: random.pick(names.state) }),
      };
    case 1:
      return { kind: "declare-event", name: random.pick(NEW_NAMES) };
    case 2: {
      const after = random.chance(0.3) ? undefined : some(random, names[what]);
      return name === undefined || name === after ? undefined : { kind: "move", what, name, after };
    }
    default:
      return name === undefined ? undefined : drawRename(random, what, name);
  }
}

function drawRename(random: Random, what: NameKind, from: string): Operation {
  const isUpper = what === "state" || what === "event";
  const to = random.pick(isUpper ? NEW_NAMES : ["fresh", "to-go", "a b", "null", "1e3", "it is: #1"]);
  return { kind: "rename", what, from, to, ...(random.chance(0.2) && { literals: true }) };
}

function drawReaction(random: Random, names: Names): Operation | undefined {
  const target = random.chance(0.1) ? "no-op" : random.pick(names.state);
  if (names.reactions.length === 0 || random.chance(0.25)) {
    const event = random.pick([...names.event, "NEXT", "FRESH"]);
    return { kind: "add-reaction", state: random.pick(names.state), event, target };
  }
  return drawChange(random, names, target);
}

/** Draws a change of an existing reaction. */
function drawChange(random: Random, names: Names, target: string): Operation | undefined {
  const { count, ...reaction } = random.pick(names.reactions);
  const index = count === undefined || count === 0 ? undefined : random.below(count);
  const place = index === undefined ? reaction : { ...reaction, index };
  switch (random.below(7)) {
    case 0:
      return { kind: "change-target", ...place, target };
    case 1:
      return { kind: "add-condition", ...reaction, when: "metadata.sha != 'x'", target };
    case 2:
      return { ...setIn(place, "when"), value: random.chance(0.3) ? undefined : "has(metadata.url)" };
    case 3:
      return { ...setIn(place, "set", "url"), value: random.pick([undefined, 3, "a: b", "${stack.id}"]) };
    case 4:
      return index === undefined
        ? undefined
        : { kind: "order-reaction", ...reaction, index, to: random.below(count ?? 1) };
    case 5:
      return { ...setIn(place, "raise"), value: random.chance(0.3) ? undefined : some(random, names.event) };
    default:
      return { kind: "remove-reaction", ...place };
  }
}

/** Returns an edit of a key of a reaction's entry, the first one if it has no index. */
function setIn({ state, event, index = 0 }: ReactionPlace, ...keys: readonly string[]) {
  return { kind: "set-value", path: ["states", state, "on", event, index, ...keys] } as const;
}

function drawKey(random: Random, names: Names): Operation | undefined {
  const state = random.pick(names.state);
  const task = some(random, names.task);
  const event = some(random, names.event);
  if (names.timers.length > 0 && event !== undefined && random.chance(0.3)) {
    const timer = random.pick(names.timers);
    if (random.chance(0.7)) return drawTime(random, timer);
    const [key, value] = random.pick([
      ["event", event],
      ["zone", "Europe/Berlin"],
    ] as const);
    return { kind: "set-value", path: ["states", timer.state, "after", timer.index, key], value };
  }
  switch (random.below(8)) {
    case 0:
      return { kind: "set-key", what: "state", name: state, key: "timeout", value: random.pick(["5m", undefined]) };
    case 1:
      return { kind: "set-key", what: "state", name: state, key: "terminal", value: random.pick([true, undefined]) };
    case 2:
      return task === undefined ? undefined : { kind: "set-attempts", task, attempts: random.pick([2, undefined]) };
    case 3:
      return event === undefined
        ? undefined
        : {
            kind: "set-key",
            what: "event",
            name: event,
            key: "allow",
            value: random.pick(["'x' in actor.groups", undefined]),
          };
    case 4:
      return { kind: "set-value", path: ["states", state, "after", 0, "in"], value: random.pick(["2h", undefined]) };
    case 5:
      return { kind: "describe", value: random.pick(["Other: words", undefined]) };
    case 6:
      return drawValue(random, { state, task });
    default:
      return {
        kind: "add-task",
        state,
        name: random.pick([...names.task, "fresh", "off: 1"]),
        executor: "lambda",
        config: { name: "f" },
      };
  }
}

const VALUES = [undefined, undefined, "5m", 3, false, "a: b #", ["x", "y"], { from: "1s" }];

function drawValue(random: Random, { state, task }: { state: string; task: string | undefined }): Operation {
  const paths = [
    ["states", state, "leaving"],
    ["states", state, "after", 0, "more"],
    ["metadata", "fresh"],
    ...(task === undefined
      ? []
      : [
          ["tasks", task, "retry", "backoff", "from"],
          ["tasks", task, "needs", 0],
          ["tasks", task, "config", "args", "a b"],
          ["tasks", task, "config", "list", 0, "key"],
        ]),
  ];
  return { kind: "set-value", path: random.pick(paths), value: random.pick(VALUES) };
}

function drawRemoval(random: Random, names: Names): Operation | undefined {
  const what = random.pick(KINDS);
  const name = some(random, names[what]);
  if (names.timers.length > 0 && random.chance(0.2)) {
    const timer = random.pick(names.timers);
    return { kind: "set-value", path: ["states", timer.state, "after", timer.index], value: undefined };
  }
  return name === undefined ? undefined : { kind: "remove", what, name };
}
