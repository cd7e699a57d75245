import type { Clock } from "../../ports/clock.ts";
import type { FreezableProcess } from "./freezable-process.ts";
import type { LifeInvariant, WeatherInvariant } from "./invariants.ts";

/** A moment at which the world responds: a call, the delivery of an event, or a look of the program at its work. */
export interface Moment {
  /** Its operation and number, from 1: `ECS.RunTask#2`. The same in every run of a story up to its weather. */
  readonly at: string;
  /** A call of a service (`ECS.RunTask`), a delivery (`delivery.receipt`) or a look (`look.worker`). */
  readonly operation: string;
  readonly input: unknown;
  /** The instant, in epoch milliseconds of the simulated time. */
  readonly now: number;
  /** The earlier answers to the same question, oldest first. */
  readonly earlier: readonly EarlierAnswer[];
  /** True if the process that has reached the moment can be frozen. */
  readonly canFreeze: boolean;
}

/** An answer to a call that is repeated with the same input. */
export interface EarlierAnswer {
  readonly now: number;
  readonly answer: unknown;
}

/** The world around the program, as far as a weather can change it. */
export interface World {
  /** Lets simulated time pass while the program does nothing. */
  pass(ms: number): Promise<void>;
  /** Waits inside of a call, while other parts of the program work. */
  wait(ms: number): Promise<void>;
  /** Freezes the process that has reached the moment, while the others work, at most until the weather ends. */
  freeze(ms: number): Promise<void>;
  /** Ends the process that has reached the moment, as `kill -9` does: it gets no answer, and others continue its work. */
  die(): Promise<never>;
  /** Does the work right after a later moment; the explorer plays one run for each operation that follows. */
  later(work: () => Promise<unknown>): void;
  /** Does what someone else does at the service of the moment, with every right. Does nothing where no one else can. */
  act: ActBeside;
}

/** Calls an operation of a simulated service as someone else, past every weather: `ECS.StopTask`. */
export type ActBeside = (operation: string, input: Readonly<Record<string, unknown>>) => Promise<unknown>;

/** One way in which the world misbehaves at one moment, as real services, networks and machines do. */
export interface Weather {
  readonly name: string;
  /** A page of the service's documentation, or a public report, that shows this behavior. */
  readonly source: string;
  /** Applies to the same operation for this long after the first moment. Default: that moment only. */
  readonly lastsMs?: number;
  /** True if it applies to every call that fits in that time. Default: to calls of the same operation. */
  readonly isEverywhere?: true;
  /** True if `meet` calls `later`. */
  readonly isLater?: true;
  /** Returns true if the world can do this here; `answer` is the one of fair weather, undefined if the call failed. */
  fits(moment: Moment, answer: unknown): boolean;
  /** Replaces the moment. `proceed` does what happens in fair weather. */
  meet(moment: Moment, proceed: () => Promise<unknown>, world: World): Promise<unknown>;
}

/** The sky over one run: a story passes every call, delivery and look through it. */
export interface Sky {
  /** Passes one moment to the weather. Returns or throws what the caller gets. `act` is for what others do meanwhile. */
  meet(operation: string, input: unknown, proceed: () => Promise<unknown>, act?: ActBeside): Promise<unknown>;
  /**
   * Sets the clock of the run, which the story creates, and the function that lets time pass. `working`: finds the
   * process that is frozen at a look.
   */
  under(clock: Clock, pass: World["pass"], working?: () => FreezableProcess | undefined): void;
  /** Begins a phase of the story; samples contain the first call of each operation in it. */
  phase(name: string): void;
  /** Ends the weather: deliveries that are still late arrive now, and frozen processes continue. Call it before the fair time at the end. */
  clear(): Promise<void>;
}

/** The end of the work, as the simulated service knows it. */
export type Truth = "succeeded" | "failed" | "unfinished";

/** The end of a story: what the product says, and what the simulation knows. Ask the simulation, never the product. */
export interface Ending {
  /** The result that people are shown. */
  readonly verdict: "succeeded" | "failed" | "unknown";
  readonly truth: Truth;
  /** One line for the reader of a finding: the code, the message. */
  readonly said: string;
  /** The number of times that each piece of work began, by a name that is the same in every run. */
  readonly begun: Readonly<Record<string, number>>;
  /** The work that the product ended while it ran, without a request and without a limit that passed. */
  readonly ended: readonly string[];
  /** The remains that no command of the product lists. */
  readonly left: readonly string[];
  /** The things of others that the product has changed. */
  readonly foreign: readonly string[];
  /** The answer of each view of the product after a quiet time. */
  readonly views: Readonly<Record<string, Truth | "unknown">>;
  /** What was not true of a life, by the promise that it breaks. Default: nothing. */
  readonly untrue?: readonly Untrue[];
}

/** A sentence about a life that was not true. */
export interface Untrue {
  readonly invariant: LifeInvariant;
  readonly sentence: string;
}

/** A finding that is intended behavior, with the reason. */
export interface Decision {
  /** Matches the line of a finding: `reset after at ECS.RunTask: once: …`. */
  readonly finding: RegExp;
  /** True if it is intended only where two weathers meet one run; the line then has both: `… at … and … at …: once: …`. */
  readonly isOfPairs?: true;
  readonly reason: string;
}

/** The moment, weather and later operation of one run. */
export interface OneRun {
  readonly at: string;
  readonly weather: string;
  readonly after?: string | undefined;
}

/** A program with a bug, which the story must find: otherwise the story does not know the truth. */
export interface PlantedBug {
  readonly bug: string;
  /** The run that finds it. Default: fair weather. */
  readonly run?: OneRun;
  /** The promise that it breaks. */
  readonly invariant: WeatherInvariant;
  play(sky: Sky): Promise<Ending>;
}

/** One run that a public report of another tool is about. */
export interface ReportedRun extends OneRun {
  /** `owner/repo#N`, several with commas. */
  readonly report: string;
}

/** A piece of work from its start to its end, which the explorer plays again in every weather. */
export interface Story {
  readonly name: string;
  /** Creates a fresh simulation, plays to the end, and asks the simulation for the truth. */
  play(sky: Sky): Promise<Ending>;
  /** The names in `begun` of work that may be done twice. Default: none. */
  readonly repeatable?: readonly string[];
  /** The findings that are intended. Default: none. */
  readonly decisions?: readonly Decision[];
  /** The runs that public reports of other tools are about; they are always played. Default: none. */
  readonly reported?: readonly ReportedRun[];
  /** Bugs that guard the story. Default: none. */
  readonly planted?: readonly PlantedBug[];
}
