import type { ExecutorContext } from "@stackyard/core";
import { requireYard } from "@stackyard/core/engine";
import { listFreezes } from "@stackyard/core/services";
import type { Calendar } from "../calendars/calendar.ts";
import { type Condition, examineOrClose } from "../gate/condition.ts";
import { examineAlarms } from "../gate/examine-alarms.ts";
import type { CreateHolds, Hold, HoldCode, HoldConfig, HoldInput } from "../hold.ts";
import { examineFreezes, type FreezesInput } from "./examine-freezes.ts";

/**
 * Creates the holds of one call: the alarms of the task, its window, and the freezes of the yard. Each is read once in a
 * call; what cannot be read holds every stack.
 */
export const createHolds: CreateHolds = (ctx, config) => {
  const alarms = once((since: number | undefined) => findAlarms(ctx, config, since));
  const calendar = once(async (name: string) => {
    // The library of time zones is large, and most tasks have no window.
    const { loadCalendar } = await import("../calendars/load-calendar.ts");
    return loadCalendar(ctx, name);
  });
  const freezes = once((context: ExecutorContext) => loadFreezes(context));
  return {
    async examine(input) {
      const { signal } = ctx;
      const parts: readonly (() => Promise<Condition>)[] = [
        () => examineOrClose("An alarm", signal, () => alarms(input.since)),
        () => examineOrClose(`The calendar "${config.window}"`, signal, () => window(ctx, { config, calendar, input })),
        () => examineOrClose("The freezes", signal, async () => examineFreezes(await freezes(ctx), input)),
      ];
      let hold: Hold = { kind: "open" };
      for (const part of parts) {
        const next = toHold(await part());
        if (next.kind === "fails") return next;
        hold = toLater(hold, next);
      }
      return hold;
    },
    async watch(since) {
      return toHold(await examineOrClose("An alarm", ctx.signal, () => alarms(since)));
    },
  };
};

interface WindowCall {
  readonly config: HoldConfig;
  readonly calendar: (name: string) => Promise<Calendar>;
  readonly input: HoldInput;
}

async function window({ clock }: ExecutorContext, { config, calendar, input }: WindowCall): Promise<Condition> {
  const { window: name } = config;
  if (name === undefined) return { kind: "open" };
  const { examineWindow } = await import("./examine-window.ts");
  return examineWindow({ name, calendar: await calendar(name), now: clock.now() }, input);
}

async function findAlarms(ctx: ExecutorContext, { alarms }: HoldConfig, since: number | undefined) {
  return alarms === undefined ? ({ kind: "open" } as const) : examineAlarms(ctx, { alarms, since });
}

async function loadFreezes(ctx: ExecutorContext): Promise<FreezesInput> {
  const yard = requireYard(ctx);
  if ("kind" in yard) throw new Error(yard.message);
  const [freezes, release] = await Promise.all([listFreezes(ctx), yard.own()]);
  return { freezes, release, yard };
}

const CODES: ReadonlySet<string> = new Set<HoldCode>(["WINDOW_CLOSED", "FROZEN", "ALARM", "GATE_UNAVAILABLE"]);

function isHoldCode(code: string): code is HoldCode {
  return CODES.has(code);
}

function toHold(condition: Condition): Hold {
  if (condition.kind === "open") return condition;
  const { code, message } = condition;
  if (condition.kind === "never") return { kind: "fails", code, message };
  return { ...condition, code: isHoldCode(code) ? code : "GATE_UNAVAILABLE" };
}

/** All must be open: of two that are closed the one that opens later counts, and an unknown instant is later than any. */
function toLater(one: Hold, other: Hold): Hold {
  if (one.kind !== "closed") return other;
  if (other.kind !== "closed") return one;
  return (one.until ?? Number.POSITIVE_INFINITY) >= (other.until ?? Number.POSITIVE_INFINITY) ? one : other;
}

/** Calls at most once for an argument, also when it fails. */
function once<Argument, Result>(
  call: (argument: Argument) => Promise<Result>,
): (argument: Argument) => Promise<Result> {
  const known = new Map<Argument, Promise<Result>>();
  return (argument) => {
    const found = known.get(argument) ?? call(argument);
    known.set(argument, found);
    return found;
  };
}
