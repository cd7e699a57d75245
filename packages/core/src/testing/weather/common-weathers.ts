import type { Moment, Weather } from "./story.ts";

const MINUTE_MS = 60_000;

/** Returns true for a call of a service, whose operation begins with a capital letter. */
export function isCall({ operation }: Pick<Moment, "operation">): boolean {
  return /^[A-Z]/.test(operation);
}

/** The parts of a weather that replaces an answer by an error. */
export interface FailingInput extends Pick<Weather, "name" | "source" | "lastsMs"> {
  readonly error: (moment: Moment) => Error;
  /** Default: every call. */
  readonly fits?: Weather["fits"];
  /** True if the call has its effect before it fails. Default: false. */
  readonly isServed?: boolean;
}

/** Creates a weather in which a call throws an error, before or after it has its effect. */
export function failingWeather({ error, fits = isCall, isServed = false, ...named }: FailingInput): Weather {
  return {
    ...named,
    fits,
    async meet(moment, proceed) {
      if (isServed) await proceed();
      throw error(moment);
    },
  };
}

/** The parts of a weather that changes an answer. */
export interface ChangingInput extends Pick<Weather, "name" | "source" | "lastsMs" | "fits"> {
  /** Returns what the caller gets instead of the answer, or throws. */
  readonly change: (answer: unknown, moment: Moment) => unknown;
}

/** Creates a weather in which a call has its effect and is answered differently. */
export function changingWeather({ change, ...named }: ChangingInput): Weather {
  return { ...named, meet: async (moment, proceed) => change(await proceed(), moment) };
}

/** Creates a weather in which the program does not look for a while. */
function awayWeather(name: string, minutes: number): Weather {
  return {
    name,
    source: "A computer that is switched off, a worker that is replaced, a process that is suspended",
    fits: ({ operation }) => operation.startsWith("look."),
    async meet(_, proceed, world) {
      await world.pass(minutes * MINUTE_MS);
      return proceed();
    },
  };
}

/**
 * Creates a weather in which one process stands still while its lease expires and another continues its work: after a
 * call was served, before its step is stored, or at a look.
 */
function frozenWeather(name: string, minutes: number): Weather {
  return {
    name,
    source:
      "signal(7): SIGSTOP; berops/claudie#1286; docs.kernel.org, cgroup freezer; a virtual machine that is paused",
    fits: ({ canFreeze, operation }) => canFreeze && !operation.startsWith("delivery."),
    async meet({ operation }, proceed, world) {
      const freeze = () => world.freeze(minutes * MINUTE_MS);
      if (operation.startsWith("look.")) void freeze();
      else if (operation.startsWith("store.") && operation !== "store.claim") await freeze();
      try {
        return await proceed();
      } finally {
        // An error is an answer too, such as that of a bucket which does not exist.
        if (isCall({ operation }) || operation === "store.claim") await freeze();
      }
    },
  };
}

/**
 * A process that ends when a record was written, before it does what it has noted there: the process that continues must do it. A process that
 * is frozen there does it itself, late.
 */
const diesAfterWrite: Weather = {
  name: "dies after",
  source: "signal(7): SIGKILL; a spot instance that is taken away; a process that the kernel ends for memory",
  fits: ({ canFreeze, operation }) => canFreeze && operation.startsWith("store.") && operation !== "store.claim",
  async meet(_, proceed, world) {
    await proceed().catch(() => undefined);
    return world.die();
  },
};

const isDelivery = ({ operation }: Moment) => operation.startsWith("delivery.");
const AT_LEAST_ONCE =
  'EventBridge, SQS and SNS deliver at least once; Lambda, "Asynchronous invocation": for six hours';

/** The weathers of every program: a broken connection, events that arrive twice or late, and long absences. */
export const commonWeathers: readonly Weather[] = [
  failingWeather({
    name: "reset before",
    source: "RFC 9293, section 3.10.7.4: the peer closes the connection before it has read the request",
    error: connectionError,
  }),
  failingWeather({
    name: "reset after",
    source: "RFC 9293, section 3.10.7.4: the connection breaks after the request was served",
    isServed: true,
    error: connectionError,
  }),
  awayWeather("away 70 min", 70),
  awayWeather("away 20 h", 20 * 60),
  frozenWeather("frozen 2 min", 2),
  frozenWeather("frozen 20 h", 20 * 60),
  diesAfterWrite,
  {
    name: "twice",
    source: AT_LEAST_ONCE,
    isLater: true,
    fits: isDelivery,
    async meet(_, proceed, world) {
      const answer = await proceed();
      world.later(proceed);
      return answer;
    },
  },
  {
    name: "late",
    source: AT_LEAST_ONCE,
    isLater: true,
    fits: isDelivery,
    meet: async (_, proceed, world) => world.later(proceed),
  },
];

/** Creates the error that Node throws for a connection that broke. */
function connectionError(): Error {
  return Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
}
