import type { startYard } from "@stackyard/core/engine";
import { parseDuration } from "@stackyard/core/machine";
import { failWith } from "../shell/failure.ts";

/** What the environment says of a yard's engine. */
export type EngineSettings = Pick<NonNullable<Parameters<typeof startYard>[1]>, "engine" | "retention">;

type Environment = Readonly<Record<string, string | undefined>>;

const DAY_MS = 86_400_000;
const COUNT = /^[1-9][0-9]{0,8}$/;
const DAYS = /^[1-9][0-9]{0,4}$/;

/** Reads the variables of the engine; an empty one counts as none. Throws one `CONFIG_INVALID` that lists every fault. */
export function parseEngineSettings(env: Environment): EngineSettings {
  const faults: string[] = [];
  const read = <Value>(name: string, parse: (text: string) => Value | undefined, must: string): Value | undefined => {
    const text = env[name] ?? "";
    const value = text === "" ? undefined : parse(text);
    if (text !== "" && value === undefined) faults.push(`${name} must be ${must}.`);
    return value;
  };
  const refusedEvents = read("REFUSED_EVENTS", toRefusedEvents, REFUSED_FORM);
  const keepMs = read("REFUSED_EVENTS_KEEP", parseDuration, "a duration such as 90m");
  const perHour = read("AUTOMATIC_TRANSITIONS_PER_HOUR", toCount, "a whole number above 0");
  const historyMs = read("HISTORY_RETENTION_DAYS", toDays, "a whole number of days above 0");
  const allowExternalNext = read("ALLOW_EXTERNAL_NEXT", toSwitch, "true or false");
  if (faults.length > 0) throw invalid(faults);
  return {
    engine: {
      ...(refusedEvents !== undefined && { refusedEvents }),
      ...(keepMs !== undefined && { parking: { keepMs } }),
      ...(perHour !== undefined && { limits: { automaticEntriesPerHour: perHour } }),
      ...(allowExternalNext !== undefined && { allowExternalNext }),
    },
    ...(historyMs !== undefined && { retention: { historyMs } }),
  };
}

const REFUSED_FORM = "park or drop; redeliver is for queues that keep no order";

function toRefusedEvents(text: string): "park" | "drop" | undefined {
  return text === "park" || text === "drop" ? text : undefined;
}

function toCount(text: string): number | undefined {
  return COUNT.test(text) ? Number(text) : undefined;
}

function toDays(text: string): number | undefined {
  return DAYS.test(text) ? Number(text) * DAY_MS : undefined;
}

function toSwitch(text: string): boolean | undefined {
  return text === "true" || text === "false" ? text === "true" : undefined;
}

function invalid(faults: readonly string[]) {
  const list = faults.map((fault) => `\n  - ${fault}`).join("");
  return failWith("CONFIG_INVALID", `The environment does not fit:${list}`, {
    hint: "Correct these variables, or unset them: each has a default.",
  });
}
