import type { HaltOrder } from "../halt/decide-halt.ts";
import type { LockFiles } from "../lock/lock-files.ts";
import type { HaltAnswer } from "../release-deps.ts";

/** An order to halt one release, as it is kept. */
interface OwnHalt {
  readonly message: string;
  readonly by?: string;
  /** Epoch ms. */
  readonly at: number;
  /** What became of it. */
  readonly answer?: HaltAnswer & { readonly at: number };
}

/** The order that is addressed to a release and is not acknowledged. A file that is none is one without words. */
export async function loadOwnHalt(files: LockFiles, path: string): Promise<HaltOrder | undefined> {
  const found = await files.load(path);
  if (found === undefined) return undefined;
  const { message, by, at, answer } = parseOwnHalt(found.text);
  if (answer !== undefined) return undefined;
  return { kind: "release", message, at, ...(by === undefined ? {} : { by }) };
}

/** Notes what became of the order, where there is one that is not acknowledged. */
export async function answerOwnHalt(
  files: LockFiles,
  path: string,
  answer: HaltAnswer & { readonly at: number },
): Promise<void> {
  const found = await files.load(path);
  if (found === undefined) return;
  const halt = parseOwnHalt(found.text);
  if (halt.answer === undefined) await files.put(path, toOwnHaltText({ ...halt, answer }), found.version);
}

/** The text of an order. */
export function toOwnHaltText({ message, by, at, answer }: OwnHalt): string {
  return JSON.stringify({ message, by, at: new Date(at).toISOString(), answer });
}

function parseOwnHalt(text: string): OwnHalt {
  const { message, by, at, answer } = parseObject(text);
  const atMs = typeof at === "string" ? Date.parse(at) : Number.NaN;
  return {
    message: typeof message === "string" ? message.slice(0, 4_000) : "",
    ...(typeof by === "string" ? { by: by.slice(0, 200) } : {}),
    at: Number.isNaN(atMs) ? 0 : atMs,
    ...(isAnswer(answer) ? { answer } : {}),
  };
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

function isAnswer(value: unknown): value is NonNullable<OwnHalt["answer"]> {
  return typeof value === "object" && value !== null && "outcome" in value;
}
