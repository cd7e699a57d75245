import type { Clock } from "../../ports/clock.ts";
import { callUnfrozen, type FreezableProcess, findProcess } from "./freezable-process.ts";
import type { ActBeside, EarlierAnswer, Moment, Sky, Weather, World } from "./story.ts";

const NEVER = new Promise<never>(() => undefined);

/** One weather at one moment of a run. */
export interface Planned {
  /** The name of the moment: `ECS.RunTask#2`. */
  readonly at: string;
  readonly weather: Weather;
  /** The operation after which deferred work is done. Default: at once, in the background. */
  readonly after?: string | undefined;
}

/** A moment that was played, with what the caller got. */
export interface PlayedMoment {
  readonly moment: Moment;
  readonly answer: unknown;
  readonly phase: string;
}

/** The sky of one run, and what was seen under it. */
interface WatchedSky {
  readonly sky: Sky;
  readonly played: readonly PlayedMoment[];
  /** Returns true if the moment of every plan came. */
  isMet(): boolean;
}

/** A plan while its run is played. */
interface Front {
  readonly plan: Planned;
  readonly waiting: (() => Promise<unknown>)[];
  first?: Moment;
}

/** Creates a sky with the planned weathers; it is fair without them. */
export function createSky(plans: readonly Planned[] = []): WatchedSky {
  const fronts: Front[] = plans.map((plan) => ({ plan, waiting: [] }));
  const played: PlayedMoment[] = [];
  const history = new Map<string, EarlierAnswer[]>();
  let clock: Clock | undefined;
  let pass: World["pass"] | undefined;
  const counts = new Map<string, number>();
  let phase = "";
  let isClear = false;
  let findWorking: () => FreezableProcess | undefined = () => undefined;
  const { promise: cleared, resolve: end } = Promise.withResolvers<void>();

  function findFront(moment: Moment): Front | undefined {
    return fronts.find((front) => {
      if (moment.at === front.plan.at) front.first = moment;
      return moment.at === front.plan.at || stillMeets(front, moment);
    });
  }

  function toWorld({ plan, waiting }: Front, process: FreezableProcess | undefined, act: ActBeside): World {
    const noClock = () => Promise.reject(new Error("The story gives the sky no clock. Call sky.under(…)."));
    return {
      pass: pass ?? noClock,
      wait: (ms) => clock?.sleep(ms) ?? noClock(),
      act,
      async freeze(ms) {
        await process?.freeze(() => Promise.race([clock?.sleep(ms) ?? noClock(), cleared]));
      },
      async die() {
        void process?.freeze(() => NEVER);
        return NEVER;
      },
      later: (work) => (plan.after === undefined ? start(work) : void waiting.push(work)),
    };
  }

  const meetOne: Required<Sky>["meet"] = async (operation, input, proceed, act = actNowhere) => {
    const count = (counts.get(operation) ?? 0) + 1;
    counts.set(operation, count);
    const question = `${operation} ${toText(input)}`;
    const earlier = history.get(question) ?? [];
    const process = findProcess() ?? findWorking();
    const moment: Moment = {
      at: `${operation}#${count}`,
      operation,
      input,
      now: clock?.now() ?? 0,
      earlier: [...earlier],
      canFreeze: process !== undefined,
    };
    const place = played.push({ moment, answer: undefined, phase }) - 1;
    const keep = async () => {
      const answer = await callUnfrozen(proceed);
      history.set(question, [...(history.get(question) ?? []), { now: clock?.now() ?? 0, answer }]);
      return answer;
    };
    const front = findFront(moment);
    const answer = await (front === undefined
      ? keep()
      : front.plan.weather.meet(moment, keep, toWorld(front, process, act)));
    played[place] = { moment, answer, phase: played[place]?.phase ?? phase };
    return answer;
  };

  const sky: Sky = {
    under(given, passes, working) {
      clock = given;
      pass = passes;
      if (working !== undefined) findWorking = working;
    },
    phase(name) {
      phase = name;
    },
    async meet(operation, input, proceed, act) {
      // The weather is over, so what follows is no moment: the rest of the story, and its questions for the truth.
      if (isClear) return callUnfrozen(proceed);
      const answer = await meetOne(operation, input, proceed, act);
      for (const { plan, waiting } of fronts) if (plan.after === operation) waiting.splice(0).forEach(start);
      return answer;
    },
    async clear() {
      isClear = true;
      end();
      for (const { waiting } of fronts) for (const work of waiting.splice(0)) await work().catch(() => undefined);
    },
  };
  return { sky, played, isMet: () => fronts.every(({ first }) => first !== undefined) };
}

/** Returns true for a later moment that the weather of a front still meets. */
function stillMeets({ plan: { weather }, first }: Front, moment: Moment): boolean {
  if (first === undefined || moment.now >= first.now + (weather.lastsMs ?? 0)) return false;
  return weather.isEverywhere === true ? weather.fits(moment, undefined) : first.operation === moment.operation;
}

const actNowhere: ActBeside = async () => undefined;

/** Another process does the work: the caller of the moment does not wait for it, and does not get its error. */
function start(work: () => Promise<unknown>): void {
  setImmediate(() => void work().catch(() => undefined));
}

function toText(input: unknown): string {
  return JSON.stringify(input, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value)) ?? "";
}
