import { isStackyardError } from "@stackyard/core";

/** What one kit makes and tries, and what a person must know before. */
export interface Kit {
  readonly name: string;
  readonly cost: string;
  readonly minutes: number;
  readonly rights: readonly string[];
  /** Returns the account or organization. Makes nothing; throws when the credentials are missing or invalid. */
  identify(): Promise<string>;
  play(trial: Trial): Promise<void>;
}

/** The steps of a kit. Each throws once the run was interrupted. */
export interface Trial {
  readonly signal: AbortSignal;
  /** Creates something. `remove` must have no effect if it does not exist, because a creation that fails may have made it. */
  make<Made>(thing: Thing, create: () => Promise<Made>): Promise<Made>;
  /** Records what was observed. A check that throws has failed, and the kit continues. */
  check(what: string, observe: () => Promise<string>): Promise<void>;
}

/** Something that a kit makes. */
export interface Thing {
  readonly what: string;
  /** With it, a person finds it. */
  readonly id: string;
  readonly remove: () => Promise<void>;
}

/** The result of a kit. */
export interface KitReport {
  readonly kit: string;
  readonly place: string;
  readonly at: string;
  readonly end: "done" | "failed" | "interrupted";
  /** Why it could not continue. */
  readonly fault?: string;
  readonly made: readonly string[];
  readonly checks: readonly { readonly what: string; readonly passed: boolean; readonly observed: string }[];
  readonly removed: readonly string[];
  /** What still exists, and why. */
  readonly left: readonly string[];
}

/** How a kit runs. */
export interface RunKitInput {
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
  /** Returns true if the person agrees with what was said. */
  readonly confirm: () => Promise<boolean>;
  /** Between two tries to remove something. Default: 3 s. */
  readonly pauseMs?: number;
}

const MAX_TRIES = 5;
const PAUSE_MS = 3_000;

/**
 * Says the cost, time and rights, asks, makes, tries, and removes everything that was made, the last first, also after a
 * failure or an interruption. Returns undefined if the person does not agree. Throws only before anything is made.
 */
export async function runKit(kit: Kit, input: RunKitInput): Promise<KitReport | undefined> {
  const { signal, say } = input;
  const place = await kit.identify();
  say(`${kit.name} makes, tries and removes things in ${place}.`);
  say(`Cost: ${kit.cost}. Time: about ${kit.minutes} minutes. Rights:`);
  for (const right of kit.rights) say(`  ${right}`);
  if (!(await input.confirm())) return undefined;
  const made: Thing[] = [];
  const checks: { what: string; passed: boolean; observed: string }[] = [];
  const fault = await kit.play(createTrial(input, made, checks)).then(() => undefined, toErrorText);
  const removal = await removeAll(made, input);
  const isWhole = fault === undefined && removal.left.length === 0 && checks.every(({ passed }) => passed);
  return {
    kit: kit.name,
    place,
    at: new Date().toISOString(),
    end: signal.aborted ? "interrupted" : isWhole ? "done" : "failed",
    ...(fault === undefined || signal.aborted ? {} : { fault }),
    made: made.map(format),
    checks,
    ...removal,
  };
}

function createTrial(
  { signal, say }: RunKitInput,
  made: Thing[],
  checks: { what: string; passed: boolean; observed: string }[],
): Trial {
  const add = (what: string, passed: boolean, observed: string): void => {
    checks.push({ what, passed, observed });
    say(`${passed ? "passed" : "FAILED"}: ${what}: ${observed}`);
  };
  return {
    signal,
    async make(thing, create) {
      signal.throwIfAborted();
      // Before it is made, so that it is also removed when the answer is lost.
      made.push(thing);
      say(`make: ${format(thing)}`);
      return create();
    },
    async check(what, observe) {
      signal.throwIfAborted();
      try {
        add(what, true, await observe());
      } catch (error) {
        signal.throwIfAborted();
        add(what, false, toErrorText(error));
      }
    },
  };
}

async function removeAll(made: readonly Thing[], { say, pauseMs = PAUSE_MS }: RunKitInput) {
  const removed: string[] = [];
  const left: string[] = [];
  for (const thing of made.toReversed()) {
    const fault = await tryToRemove(thing, pauseMs);
    if (fault === undefined) removed.push(format(thing));
    else left.push(`${format(thing)}: ${fault}`);
    say(fault === undefined ? `removed: ${format(thing)}` : `LEFT, remove it by hand: ${format(thing)}: ${fault}`);
  }
  return { removed, left };
}

async function tryToRemove({ remove }: Thing, pauseMs: number): Promise<string | undefined> {
  for (let tries = 1; ; tries += 1) {
    const fault = await remove().then(() => undefined, toErrorText);
    if (fault === undefined || tries === MAX_TRIES) return fault;
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

function format({ what, id }: Thing): string {
  return `${what} ${id}`;
}

/** Returns the report as Markdown, to attach to an issue. */
export function formatReport(report: KitReport): string {
  const { kit, place, at, end, fault, made, checks, removed, left } = report;
  const list = (lines: readonly string[]) => (lines.length === 0 ? "Nothing." : lines.map(toItem).join("\n"));
  const tried = checks.map(({ what, passed, observed }) => `${passed ? "passed" : "**failed**"}: ${what}: ${observed}`);
  const parts = [
    `# ${kit}: ${end}`,
    `In ${place}, at ${at}.`,
    ...(fault === undefined ? [] : [`It could not continue: ${fault}`]),
    ...[`## Made\n\n${list(made)}`, `## Tried\n\n${list(tried)}`],
    ...[`## Removed\n\n${list(removed)}`, `## Left\n\n${list(left)}`],
  ];
  return `${parts.join("\n\n")}\n`;
}

function toItem(line: string): string {
  return `- ${line.replaceAll(/\s+/g, " ")}`;
}

function toErrorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return `${isStackyardError(error) ? error.code : error.name}: ${error.message}`;
}
