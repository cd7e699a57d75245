import type { Clock } from "@stackyard/core";
import { mapLimited } from "@stackyard/core";

/** A request to AWS as a front door sees it. */
interface CallFacts {
  readonly service: string;
  readonly operation: string;
  readonly accessKeyId: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** An invocation of a function, as Lambda makes it. */
type Invoke = (label: string, call: (context: InvocationContext) => Promise<unknown>) => Promise<unknown>;

interface InvocationContext {
  readonly awsRequestId: string;
  getRemainingTimeInMillis(): number;
}

/** A function in a new world, and what is done with it. */
export interface Play {
  readonly clock: Clock;
  /** The time of each invocation on that clock. */
  readonly functionMs: number;
  readonly door: { hold(matches: (request: CallFacts) => boolean, when: "before"): Promise<void> };
  /** Access keys of the test itself, whose calls are not counted. */
  readonly others?: readonly string[];
  /** Everything that the function logs and sends besides its answers. */
  readonly told: readonly unknown[];
  /** Invokes the function as its sources of events do, also after an error. Returns what the world looks like afterwards. */
  run(invoke: Invoke): Promise<unknown>;
  stop(): Promise<void>;
}

/** What happened when one call was never answered. */
interface Silenced {
  /** The invocation and the call in it, such as `Create events.PutEvents`. */
  readonly call: string;
  /** Invocations that had not answered when their time was over. */
  readonly late: readonly string[];
  /** True if an answer or a line of the log contains the call. */
  readonly isNamed: boolean;
  /** True if everything ended as without the silence. */
  readonly isAsGood: boolean;
  /** Answers and lines, for the report of a failure. */
  readonly text: string;
}

const PLAYS_AT_ONCE = 5;

/** Plays once to find the calls, then in a new world for each kind of call of each invocation, which hangs. */
export async function silenceEachCall(start: () => Promise<Play>): Promise<readonly Silenced[]> {
  const good = await playOnce(start, () => false);
  const calls = [...new Set(good.calls)];
  const silence = (call: string): Promise<Played> => playOnce(start, (name) => name === call);
  const plays = await mapLimited(calls, PLAYS_AT_ONCE, async (call) => ({ call, played: await silence(call) }));
  // A busy machine is late by itself: what is late is played once more alone.
  return mapLimited(plays, 1, async ({ call, played: first }) => {
    const played = first.late.length === 0 ? first : await silence(call);
    const text = JSON.stringify([played.answers, played.told]);
    const [, service = "", operation = ""] = /(\w+)\.(\w+)\S*$/.exec(call) ?? [];
    const isNamed =
      service === "s3" ? /S3\.\w+ did not answer/.test(text) : text.includes(`.${operation} did not answer`);
    const isAsGood = JSON.stringify(played.end) === JSON.stringify(good.end) && played.end !== undefined;
    return { call, late: played.late, isNamed, isAsGood, text };
  });
}

interface Played {
  readonly calls: readonly string[];
  readonly late: readonly string[];
  readonly answers: readonly unknown[];
  readonly told: readonly unknown[];
  readonly end: unknown;
}

async function playOnce(start: () => Promise<Play>, isSilent: (name: string) => boolean): Promise<Played> {
  const play = await start();
  const { clock, functionMs, door, others = [] } = play;
  const calls: string[] = [];
  const late: string[] = [];
  const answers: unknown[] = [];
  let current = "";
  const matches = (request: CallFacts): boolean => {
    if (others.includes(request.accessKeyId)) return false;
    const name = `${current} ${toName(request)}`;
    calls.push(name);
    return isSilent(name);
  };
  void door.hold(matches, "before");
  const invoke: Invoke = async (label, call) => {
    current = label;
    const endsAt = clock.now() + functionMs;
    const context = { awsRequestId: "invocation", getRemainingTimeInMillis: () => endsAt - clock.now() };
    const answered = await Promise.race([settle(call(context)), clock.sleep(functionMs).then(() => undefined)]);
    if (answered === undefined) {
      late.push(label);
      throw Object.assign(new Error("Task timed out."), { name: "Sandbox.Timedout" });
    }
    answers.push(answered);
    if (answered.error !== undefined) throw answered.error;
    return answered.answer;
  };
  try {
    const end = await play.run(invoke);
    return { calls, late, answers, told: [...play.told], end };
  } finally {
    await play.stop();
  }
}

interface Answered {
  readonly answer?: unknown;
  readonly error?: Error;
  readonly text?: string;
}

function settle(work: Promise<unknown>): Promise<Answered> {
  return work.then(
    (answer) => ({ answer }),
    (error: Error) => ({ error, text: `${error.name}: ${error.message}` }),
  );
}

/** Query protocols have the operation in their body, and S3 names a part of a bucket or an object in the query. */
function toName({ service, operation, path, headers, body }: CallFacts): string {
  if (service === "s3") return `s3.${operation}${/\?(?!x-id|X-Amz)[\w-]+/.exec(path)?.[0] ?? ""}`;
  const isForm = String(headers["content-type"]).startsWith("application/x-www-form-urlencoded");
  const action = isForm ? new URLSearchParams(body.toString()).get("Action") : undefined;
  return `${service}.${action ?? operation}`;
}
